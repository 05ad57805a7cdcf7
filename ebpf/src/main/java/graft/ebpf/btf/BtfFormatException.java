package graft.ebpf.btf;

/** Bytes that are no valid BTF. */
public final class BtfFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param reason what is wrong */
    public BtfFormatException(String reason) {
        super("BTF: " + reason);
    }
}

package graft.ebpf.interp;

/** An interpreted program did what a verified one cannot do. */
public final class ProgramFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what it did */
    public ProgramFault(String message) {
        super(message);
    }
}

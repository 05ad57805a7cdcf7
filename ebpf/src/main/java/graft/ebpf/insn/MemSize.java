package graft.ebpf.insn;

/** Size of a memory access. */
public enum MemSize {
    B(1),
    H(2),
    W(4),
    DW(8);

    private final int bytes;

    MemSize(int bytes) {
        this.bytes = bytes;
    }

    public int bytes() {
        return bytes;
    }
}

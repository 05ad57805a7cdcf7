package graft.ebpf.insn;

/** Size of a memory access, with how each is encoded. */
public enum MemSize {
    B(1, 0x10),
    H(2, 0x08),
    W(4, 0x00),
    DW(8, 0x18);

    private static final int MASK = 0x18;
    private static final MemSize[] ALL = values();

    private final int bytes;
    private final int code;

    MemSize(int bytes, int code) {
        this.bytes = bytes;
        this.code = code;
    }

    public int bytes() {
        return bytes;
    }

    public int bits() {
        return 8 * bytes;
    }

    /** The two bits of the opcode. */
    int code() {
        return code;
    }

    /** The size that an opcode carries. */
    static MemSize of(int opcode) {
        for (MemSize size : ALL) {
            if (size.code == (opcode & MASK)) {
                return size;
            }
        }
        throw new AssertionError("two bits have four values");
    }
}

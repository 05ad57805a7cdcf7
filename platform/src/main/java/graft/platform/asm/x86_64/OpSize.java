package graft.platform.asm.x86_64;

/** Operand size: byte, word, double word, quad word. */
public enum OpSize {
    B(1),
    W(2),
    D(4),
    Q(8);

    private final int bytes;

    OpSize(int bytes) {
        this.bytes = bytes;
    }

    /** Size in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Bytes of the largest immediate that an instruction of this size takes (a quad word takes a sign-extended 4). */
    int immediateBytes() {
        return Math.min(bytes, 4);
    }
}

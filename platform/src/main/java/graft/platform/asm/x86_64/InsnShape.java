package graft.platform.asm.x86_64;

/**
 * Where the parts of an instruction are, packed into a {@code long} for loops over whole libraries; {@link X64Insn} is
 * the form for everybody else. Offsets are from the first byte of the instruction; 0 means absent.
 *
 * <pre>
 *  bits  0-3 length (0: refused, then bits 4-7 are the reason)   4-7 opcode offset   8-15 opcode   16-19 map
 *       20-23 ModRM offset   24-27 displacement offset   28-31 displacement size   32-35 immediate offset
 *       36-39 immediate size  40 rip-relative  41-45 kind  46-47 encoding
 *       48 66  49 67  50 F3  51 F2  52 F0  53 fs/gs  54-57 REX.WRXB
 * </pre>
 */
public final class InsnShape {
    private InsnShape() {}

    static final int OPERAND_SIZE = 1;
    static final int ADDRESS_SIZE = 2;
    static final int REPE = 4;
    static final int REPNE = 8;
    static final int LOCK = 16;
    static final int SEGMENT = 32;

    /** Length in bytes, or 0 when there is no instruction known for certain. */
    public static int length(long shape) {
        return (int) shape & 15;
    }

    /** What the instruction does to the flow of control. */
    public static InsnKind kind(long shape) {
        return InsnKind.of((int) (shape >> 41) & 31);
    }

    /** Offset of the opcode's last byte. */
    public static int opcodeOffset(long shape) {
        return (int) (shape >> 4) & 15;
    }

    /** The opcode's last byte. */
    public static int opcode(long shape) {
        return (int) (shape >> 8) & 0xff;
    }

    static int map(long shape) {
        return (int) (shape >> 16) & 15;
    }

    static int modrmOffset(long shape) {
        return (int) (shape >> 20) & 15;
    }

    /** Offset of the memory displacement. */
    public static int dispOffset(long shape) {
        return (int) (shape >> 24) & 15;
    }

    static int dispSize(long shape) {
        return (int) (shape >> 28) & 15;
    }

    /** Offset of the immediate or of the branch displacement. */
    public static int immOffset(long shape) {
        return (int) (shape >> 32) & 15;
    }

    /** Size of the immediate or of the branch displacement. */
    public static int immSize(long shape) {
        return (int) (shape >> 36) & 15;
    }

    /** Whether the memory operand is relative to the next instruction. */
    public static boolean isRipRelative(long shape) {
        return (shape >> 40 & 1) != 0;
    }

    static int prefixes(long shape) {
        return (int) (shape >> 48) & 63;
    }

    static int rex(long shape) {
        return (int) (shape >> 54) & 15;
    }

    static long refused(Decoding.Reason reason) {
        return (long) reason.ordinal() << 4;
    }

    static Decoding.Reason reason(long shape) {
        return Decoding.Reason.values()[(int) (shape >> 4) & 15];
    }
}

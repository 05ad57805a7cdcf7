package graft.platform.asm.x86_64;

import java.util.Locale;

/** The sixteen general-purpose registers, in the order of their encoding. */
public enum Gpr implements RegMem {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15;

    private static final Gpr[] ALL = values();

    /** The number in encodings, 0 to 15. */
    public int number() {
        return ordinal();
    }

    /** @throws IllegalArgumentException for a number above 15 */
    public static Gpr of(int number) {
        if (number < 0 || number >= ALL.length) {
            throw new IllegalArgumentException("no general-purpose register " + number);
        }
        return ALL[number];
    }

    /** The assembler name of the low part of this size: {@code al}, {@code r8d}, {@code rsp}. */
    public String name(OpSize size) {
        String base = name().toLowerCase(Locale.ROOT);
        boolean numbered = ordinal() >= 8;
        return switch (size) {
            case Q -> base;
            case D -> numbered ? base + "d" : "e" + base.substring(1);
            case W -> numbered ? base + "w" : base.substring(1);
            case B -> numbered ? base + "b" : lowByte(base.substring(1));
        };
    }

    private static String lowByte(String word) {
        return word.endsWith("x") ? word.charAt(0) + "l" : word + "l";
    }
}

package graft.ebpf.insn;

/** The eleven registers of RFC 9669: r0 result, r1–r5 arguments, r6–r9 callee-saved, r10 read-only frame pointer. */
public enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10;

    private static final Reg[] ALL = values();

    /** @throws IllegalArgumentException for a number above 10 */
    public static Reg of(int number) {
        if (number < 0 || number >= ALL.length) {
            throw new IllegalArgumentException("no register r" + number);
        }
        return ALL[number];
    }

    public int number() {
        return ordinal();
    }

    @Override
    public String toString() {
        return "r" + ordinal();
    }
}

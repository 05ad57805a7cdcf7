package graft.platform.asm.x86_64;

/** Conditions in the order of their encoding. B/A are unsigned, L/G signed. */
public enum Cond {
    O,
    NO,
    B,
    AE,
    E,
    NE,
    BE,
    A,
    S,
    NS,
    P,
    NP,
    L,
    GE,
    LE,
    G;

    private static final Cond[] ALL = values();

    /** The number in encodings, 0 to 15. */
    public int number() {
        return ordinal();
    }

    /** The opposite condition. */
    public Cond negate() {
        return ALL[ordinal() ^ 1];
    }
}

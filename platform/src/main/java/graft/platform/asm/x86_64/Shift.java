package graft.platform.asm.x86_64;

/** Shifts and rotates, by a constant or by cl. */
public enum Shift {
    ROL(0),
    ROR(1),
    SHL(4),
    SHR(5),
    SAR(7);

    private final int digit;

    Shift(int digit) {
        this.digit = digit;
    }

    int digit() {
        return digit;
    }
}

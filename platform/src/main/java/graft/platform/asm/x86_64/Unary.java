package graft.platform.asm.x86_64;

/** One-operand arithmetic. MUL, IMUL, DIV and IDIV work on rdx:rax. */
public enum Unary {
    NOT(0xf7, 2),
    NEG(0xf7, 3),
    MUL(0xf7, 4),
    IMUL(0xf7, 5),
    DIV(0xf7, 6),
    IDIV(0xf7, 7),
    INC(0xff, 0),
    DEC(0xff, 1);

    private final int opcode;
    private final int digit;

    Unary(int opcode, int digit) {
        this.opcode = opcode;
        this.digit = digit;
    }

    int opcode() {
        return opcode;
    }

    int digit() {
        return digit;
    }
}

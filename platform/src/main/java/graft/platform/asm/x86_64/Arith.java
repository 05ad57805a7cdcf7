package graft.platform.asm.x86_64;

/** The eight two-operand operations of the first opcode rows; the ordinal is the opcode digit. */
public enum Arith {
    ADD,
    OR,
    ADC,
    SBB,
    AND,
    SUB,
    XOR,
    CMP;

    int digit() {
        return ordinal();
    }
}

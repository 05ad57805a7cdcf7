package graft.ebpf.insn;

/** The second operand: a register or a sign-extended 32-bit immediate. */
public sealed interface Operand {
    /** A register operand. */
    record Src(Reg reg) implements Operand {
        @Override
        public String toString() {
            return reg.toString();
        }
    }

    /** An immediate operand, sign-extended to the width of the instruction. */
    record Imm(int value) implements Operand {
        @Override
        public String toString() {
            return Integer.toString(value);
        }
    }
}

package graft.platform.asm.x86_64;

/** What an instruction does to the flow of control; everything that falls through is {@link #PLAIN} or a nop. */
public enum InsnKind {
    PLAIN,
    NOP,
    ENDBR64,
    JMP_REL,
    JCC_REL,
    CALL_REL,
    /** {@code loop}, {@code loope}, {@code loopne}. */
    LOOP_REL,
    /** {@code jrcxz}, {@code jecxz}. */
    JRCXZ_REL,
    /** {@code xbegin}: a branch to the fall-back path, taken later. */
    XBEGIN_REL,
    JMP_INDIRECT,
    CALL_INDIRECT,
    RET,
    /** Far jumps, calls, returns and {@code iret}. */
    FAR,
    SYSCALL,
    /** {@code int n}, {@code int1}, {@code sysenter}, {@code sysexit}, {@code sysret}. */
    TRAP,
    INT3,
    /** {@code ud0}, {@code ud1}, {@code ud2}. */
    UNDEFINED,
    HLT;

    private static final InsnKind[] VALUES = values();

    static InsnKind of(int ordinal) {
        return VALUES[ordinal];
    }

    /** Whether the operand is a displacement from the end of the instruction to code. */
    public boolean isRelativeBranch() {
        return switch (this) {
            case JMP_REL, JCC_REL, CALL_REL, LOOP_REL, JRCXZ_REL, XBEGIN_REL -> true;
            case PLAIN, NOP, ENDBR64, JMP_INDIRECT, CALL_INDIRECT, RET, FAR, SYSCALL, TRAP, INT3, UNDEFINED, HLT ->
                false;
        };
    }

    /** Whether the instruction after this one is reached only by a jump. */
    public boolean endsFlow() {
        return switch (this) {
            case JMP_REL, JMP_INDIRECT, RET, UNDEFINED, HLT -> true;
            case PLAIN,
                    NOP,
                    ENDBR64,
                    JCC_REL,
                    CALL_REL,
                    LOOP_REL,
                    JRCXZ_REL,
                    XBEGIN_REL,
                    CALL_INDIRECT,
                    FAR,
                    SYSCALL,
                    TRAP,
                    INT3 -> false;
        };
    }
}

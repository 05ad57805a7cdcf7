package graft.platform.elf;

/**
 * How the caller of a frame is found from an instruction of the callee, as far as the stack alone tells: System V x86-64 psABI,
 * DWARF 5 §6.4. The caller's stack pointer is the canonical frame address; the return address is in the word below it, but for
 * {@link Kind#SIGNAL}.
 *
 * @param register DWARF's number of the register that the frame address is counted from
 * @param offset added to the register
 * @param added to what is loaded; of {@link Kind#PLT} see there; of {@link Kind#SIGNAL} where the interrupted instruction is
 * @param saved where the caller's {@code rbp} is
 * @param savedAt counted from what {@code saved} says
 */
public record FrameRule(Kind kind, int register, int offset, int added, Saved saved, int savedAt) {
    /** DWARF's number of {@code rbp}. */
    public static final int RBP = 6;

    /** DWARF's number of {@code rsp}. */
    public static final int RSP = 7;

    /** What the frame address is, in the order of the numbers that the agent knows them by. */
    public enum Kind {
        /** Nothing is said about the instruction. */
        NONE,
        /** What is said is not understood, or not to be found out from the stack. */
        UNKNOWN,
        /** There is no caller. */
        OUTERMOST,
        /** {@code register + offset}. */
        REGISTER,
        /** {@code *(register + offset) + added}. */
        LOADED,
        /** {@code register + offset}, and 8 more when the low four bits of the instruction's address are at least {@code added}. */
        PLT,
        /**
         * A frame that the kernel has made, of what was interrupted: {@code *(register + offset)}, with the interrupted
         * instruction at {@code register + added}.
         */
        SIGNAL
    }

    /** Where the caller's {@code rbp} is, in the order of the numbers that the agent knows them by. */
    public enum Saved {
        /** In {@code rbp}. */
        UNCHANGED,
        /** In the word at the frame address plus {@code savedAt}. */
        AT_FRAME,
        /** In the word at {@code rbp + savedAt}. */
        AT_RBP,
        /** In the word at {@code rsp + savedAt}. */
        AT_RSP,
        /** Nobody knows. */
        LOST
    }

    static final FrameRule NONE = only(Kind.NONE);
    static final FrameRule UNKNOWN = only(Kind.UNKNOWN);
    static final FrameRule OUTERMOST = only(Kind.OUTERMOST);

    private static FrameRule only(Kind kind) {
        return new FrameRule(kind, 0, 0, 0, Saved.UNCHANGED, 0);
    }
}

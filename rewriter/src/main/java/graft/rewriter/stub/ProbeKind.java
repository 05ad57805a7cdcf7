package graft.rewriter.stub;

/** Where a thunk is called from: decides what the context shows and what must be saved. */
public enum ProbeKind {
    /** First instruction of a function: flags and red zone are dead. */
    ENTRY(Context.REGISTERS, 8),
    /** Any instruction: flags and red zone are live, the stack may be unaligned. */
    OFFSET(Context.REGISTERS, 8 + 128),
    /** After the function's last instruction but the {@code ret}: the context is the caller's. */
    RETURN(Context.REGISTERS, 16),
    /** The same where the caller looks at the flags. */
    RETURN_WITH_FLAGS(Context.REGISTERS, 16),
    /** A {@code call} whose displacement leads here: the return address is already pushed. */
    CALL_SITE(Context.REGISTERS, 16),
    /**
     * Between the load of a system call's number and the call, anything live as at {@link #OFFSET}. The context is the
     * tracepoint's record: 8 zero bytes, the number, six arguments.
     */
    SYSCALL_ENTER(Context.SYSCALL_RECORD, 8 + 128),
    /**
     * After a system call, anything live as at {@link #OFFSET}. The context is the tracepoint's record: 8 zero bytes,
     * the number (the site record's function ip), the result.
     */
    SYSCALL_EXIT(Context.SYSCALL_RECORD, 8 + 128);

    /** What a program's argument points to. */
    enum Context {
        /** {@code struct pt_regs}. */
        REGISTERS,
        /** What a program at a tracepoint of one system call gets. */
        SYSCALL_RECORD
    }

    private static final int CALL_BYTES = 5;
    private static final int RECORD_BYTES = 16;

    private final Context context;
    private final int stackDistance;

    ProbeKind(Context context, int stackDistance) {
        this.context = context;
        this.stackDistance = stackDistance;
    }

    Context context() {
        return context;
    }

    /** Whether flags and red zone are live and the stack may be unaligned. */
    boolean interruptsAnything() {
        return switch (this) {
            case OFFSET, SYSCALL_ENTER, SYSCALL_EXIT -> true;
            case ENTRY, RETURN, RETURN_WITH_FLAGS, CALL_SITE -> false;
        };
    }

    boolean keepsFlags() {
        return interruptsAnything() || this == RETURN_WITH_FLAGS;
    }

    boolean isReturn() {
        return this == RETURN || this == RETURN_WITH_FLAGS;
    }

    /** Bytes between a site record and the call of the thunk. */
    int skipBytes() {
        return interruptsAnything() ? 5 : 0;
    }

    /** From the thunk's return address back to the site record. */
    int recordDistance() {
        return RECORD_BYTES + skipBytes() + CALL_BYTES;
    }

    /** From the thunk's return address up to the stack pointer that the context shows. */
    int stackDistance() {
        return stackDistance;
    }
}

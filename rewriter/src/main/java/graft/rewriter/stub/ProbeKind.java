package graft.rewriter.stub;

/** Where a thunk is called from: decides what the context shows and what must be saved. */
public enum ProbeKind {
    /** First instruction of a function: flags and red zone are dead. */
    ENTRY(Context.REGISTERS, 8),
    /** The same in a stub that has tested whether programs run. */
    TESTED_ENTRY(Context.REGISTERS, 8),
    /** Any instruction: flags and red zone are live, the stack may be unaligned. */
    OFFSET(Context.REGISTERS, 8 + 128),
    /** After the function's last instruction but the {@code ret}: the context is the caller's. */
    RETURN(Context.REGISTERS, 16),
    /** The same where the caller looks at the flags. */
    RETURN_WITH_FLAGS(Context.REGISTERS, 16),
    /** A {@code call} whose displacement leads here: the return address is already pushed. */
    CALL_SITE(Context.REGISTERS, 16),
    /**
     * Between the load of a system call's number and the call, anything live as at {@link #OFFSET} but rcx, which the call
     * overwrites. The context is the tracepoint's record: 8 zero bytes, the number, six arguments.
     */
    SYSCALL_ENTER(Context.SYSCALL_RECORD, 8 + 128),
    /** The same place; the context is a raw tracepoint's: the address of {@code struct pt_regs}, the number. */
    SYSCALL_ENTER_RAW(Context.SYSCALL_RAW, 8 + 128),
    /** The same place; the context is that of the kernel's function: rdi holds the address of {@code struct pt_regs}. */
    SYSCALL_ENTER_WRAPPED(Context.SYSCALL_WRAPPED, 8 + 128),
    /**
     * After a system call whose number is in ecx, anything else live as at {@link #OFFSET}. The context is the tracepoint's
     * record: 8 zero bytes, the number, the result.
     */
    SYSCALL_EXIT(Context.SYSCALL_RECORD, 8 + 128),
    /** The same place; the context is a raw tracepoint's: the address of {@code struct pt_regs}, the result. */
    SYSCALL_EXIT_RAW(Context.SYSCALL_RAW, 8 + 128),
    /** The same place; the context is {@code struct pt_regs}, with the result in rax. */
    SYSCALL_EXIT_REGISTERS(Context.REGISTERS, 8 + 128);

    /** What a program's argument points to. */
    enum Context {
        /** {@code struct pt_regs}. */
        REGISTERS(0),
        /** What a program at a tracepoint of one system call gets. */
        SYSCALL_RECORD(64),
        /** What a program at a raw tracepoint of all system calls gets. */
        SYSCALL_RAW(16),
        /** What a program at the kernel's function of a system call gets. */
        SYSCALL_WRAPPED(21 * 8);

        private final int bytes;

        Context(int bytes) {
            this.bytes = bytes;
        }

        /** Bytes of it that are not where registers are saved. */
        int bytes() {
            return bytes;
        }
    }

    private static final int CALL_BYTES = 5;
    /** Of the instruction that leaves the red zone alone. */
    private static final int RED_ZONE_BYTES = 5;
    /** A comparison and a short jump. */
    private static final int TEST_BYTES = 9;

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
            case OFFSET,
                    SYSCALL_ENTER,
                    SYSCALL_ENTER_RAW,
                    SYSCALL_ENTER_WRAPPED,
                    SYSCALL_EXIT,
                    SYSCALL_EXIT_RAW,
                    SYSCALL_EXIT_REGISTERS -> true;
            case ENTRY, TESTED_ENTRY, RETURN, RETURN_WITH_FLAGS, CALL_SITE -> false;
        };
    }

    boolean keepsFlags() {
        return interruptsAnything() || this == RETURN_WITH_FLAGS;
    }

    boolean isSyscall() {
        return switch (context) {
            case REGISTERS -> this == SYSCALL_EXIT_REGISTERS;
            case SYSCALL_RECORD, SYSCALL_RAW, SYSCALL_WRAPPED -> true;
        };
    }

    boolean isSyscallEnter() {
        return this == SYSCALL_ENTER || this == SYSCALL_ENTER_RAW || this == SYSCALL_ENTER_WRAPPED;
    }

    /** Whether the function has returned. */
    public boolean isReturn() {
        return this == RETURN || this == RETURN_WITH_FLAGS;
    }

    /** Bytes between a site record and the call of the thunk. */
    int skipBytes() {
        if (this == TESTED_ENTRY) {
            return TEST_BYTES;
        }
        return interruptsAnything() ? RED_ZONE_BYTES : 0;
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

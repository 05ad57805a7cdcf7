package graft.rewriter.x86_64;

/** Where a program runs, as far as its thunk must know. */
public enum ProbeKind {
    /** At a function's first instruction: flags and red zone are dead. */
    ENTRY,
    /** Before any other instruction: flags and red zone live. */
    OFFSET,
    /** Right before the {@code ret} of a function: flags and red zone are dead. */
    RETURN,
    /** Right before a {@code syscall} instruction, its number already in rax. */
    SYSCALL_ENTER,
    /** Right after a {@code syscall} instruction. */
    SYSCALL_EXIT;

    /** Whether the function around the site may hold live data in the red zone and in the flags. */
    boolean interruptsFunction() {
        return switch (this) {
            case ENTRY, RETURN -> false;
            case OFFSET, SYSCALL_ENTER, SYSCALL_EXIT -> true;
        };
    }

    /** Whether the program's context is {@code struct pt_regs}; otherwise it is a tracepoint record. */
    boolean seesRegisters() {
        return switch (this) {
            case ENTRY, OFFSET, RETURN -> true;
            case SYSCALL_ENTER, SYSCALL_EXIT -> false;
        };
    }
}

package graft.rewriter.stub;

/** Where a thunk is called from: decides what the context shows and what must be saved. */
public enum ProbeKind {
    /** First instruction of a function: flags and red zone are dead. */
    ENTRY(21, 200),
    /** Any instruction: flags and red zone are live, the stack may be unaligned. */
    OFFSET(26, 328),
    /** After the function's last instruction but the {@code ret}: the context is the caller's. */
    RETURN(21, 208),
    /** A {@code call} whose displacement leads here: the return address is already pushed. */
    CALL_SITE(21, 208);

    private final int recordDistance;
    private final int stackDistance;

    ProbeKind(int recordDistance, int stackDistance) {
        this.recordDistance = recordDistance;
        this.stackDistance = stackDistance;
    }

    /** From the thunk's return address back to the site record. */
    int recordDistance() {
        return recordDistance;
    }

    /** From the thunk's frame up to the stack pointer that the context shows. */
    int stackDistance() {
        return stackDistance;
    }
}

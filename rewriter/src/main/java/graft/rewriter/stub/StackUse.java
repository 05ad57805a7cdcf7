package graft.rewriter.stub;

/** Which stack a program runs on. */
public enum StackUse {
    /** That of the thread that it interrupts, from below the red zone. */
    THREAD,
    /**
     * One of the pool's, which is taken for the time of the program. A goroutine has as little as 792 bytes below its stack
     * pointer ({@code StackGuard} and {@code StackSmall} in Go's internal/abi/stack.go), of which a thunk takes 350 at most.
     */
    POOL
}

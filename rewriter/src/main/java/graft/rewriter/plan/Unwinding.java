package graft.rewriter.plan;

/** Whether something in the process may walk its stacks and would meet a replaced return address. */
public enum Unwinding {
    /** No unwinder is loaded. */
    ABSENT,
    /** C++ exceptions, forced unwinding or backtraces are possible. */
    POSSIBLE
}

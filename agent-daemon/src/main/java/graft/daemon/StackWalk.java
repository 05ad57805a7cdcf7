package graft.daemon;

/** How programs in processes walk the stack. */
public enum StackWalk {
    /** As the kernel's: a function without one ends the walk, or its caller is missing. */
    FRAME_POINTERS,
    /** By the tables that files have for exceptions and debuggers, and by frame pointers where there are none. */
    UNWIND
}

package graft.ebpf.verifier;

/**
 * How far a walk may go, and what a program may do with stack it has not written.
 *
 * @param insns instructions to walk, over all paths
 * @param pending branches waiting to be walked
 */
public record Limits(int insns, int pending, UnwrittenStack unwrittenStack) {
    /** The kernel's limits for a privileged loader. */
    public static final Limits KERNEL = new Limits(1_000_000, 8192, UnwrittenStack.READABLE);

    /** Reading stack bytes that the program never wrote: safe, but shows what lay there. */
    public enum UnwrittenStack {
        /** Allowed, as the kernel does for privileged loaders; padding in keys and events needs it. */
        READABLE,
        /** Refused. */
        FORBIDDEN
    }

    /** The same limits with another instruction budget. */
    public Limits withInsns(int count) {
        return new Limits(count, pending, unwrittenStack);
    }

    /** The same limits, but unwritten stack cannot be read. */
    public Limits withStackForbidden() {
        return new Limits(insns, pending, UnwrittenStack.FORBIDDEN);
    }
}

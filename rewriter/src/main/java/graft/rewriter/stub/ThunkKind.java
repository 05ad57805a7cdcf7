package graft.rewriter.stub;

/**
 * What a thunk is written for.
 *
 * @param probe where it is called from
 * @param stack which stack its program runs on
 * @param flags at a system call, whether they have to be as before when it returns; {@link Flags#LIVE} elsewhere, where
 *     the kind of probe says it
 */
public record ThunkKind(ProbeKind probe, StackUse stack, Flags flags) {
    public ThunkKind {
        if (flags == Flags.DEAD && !probe.isSyscall()) {
            throw new IllegalArgumentException("nobody knows that flags are dead at " + probe);
        }
    }

    /** A thunk for a place where flags are as the kind of probe says. */
    public ThunkKind(ProbeKind probe, StackUse stack) {
        this(probe, stack, Flags.LIVE);
    }

    /** Whether the flags are as before when the thunk returns. */
    boolean keepsFlags() {
        return probe.keepsFlags() && flags == Flags.LIVE;
    }
}

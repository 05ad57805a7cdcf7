package graft.daemon;

import graft.attach.Attachment;

/**
 * Calls that probes did not see because too many were under way at once.
 *
 * @param returns return probes: more wrapped calls than there are slots for
 * @param runs programs at places of Go code: more of them than there are stacks for
 */
public record MissedCalls(long returns, long runs) {
    /** Those of one attachment so far. */
    static MissedCalls of(Attachment attachment) {
        return new MissedCalls(attachment.missedReturns(), attachment.missedRuns());
    }

    MissedCalls plus(MissedCalls other) {
        return new MissedCalls(returns + other.returns, runs + other.runs);
    }

    /** Both. */
    public long all() {
        return returns + runs;
    }
}

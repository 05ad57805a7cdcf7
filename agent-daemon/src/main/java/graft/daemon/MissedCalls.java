package graft.daemon;

import graft.attach.Attachment;

/**
 * What did not go as programs may expect: calls that probes did not see because too many were under way at once, and locks.
 *
 * @param returns return probes: more wrapped calls than there are slots for
 * @param runs programs at places of Go code: more of them than there are stacks for
 * @param locks locks in values of maps that were taken from holders that had ended or did not leave them in time
 */
public record MissedCalls(long returns, long runs, long locks) {
    /** Nothing. */
    static final MissedCalls NOTHING = new MissedCalls(0, 0, 0);

    /** Those of one attachment so far. */
    static MissedCalls of(Attachment attachment) {
        return new MissedCalls(attachment.missedReturns(), attachment.missedRuns(), attachment.locksTakenOver());
    }

    MissedCalls plus(MissedCalls other) {
        return new MissedCalls(returns + other.returns, runs + other.runs, locks + other.locks);
    }

    /** All of it. */
    public long all() {
        return returns + runs + locks;
    }
}

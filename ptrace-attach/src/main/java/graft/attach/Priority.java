package graft.attach;

import graft.platform.linux.Sched;
import graft.platform.proc.ProcessStatus;
import java.util.OptionalInt;

/**
 * The policy of a thread that is real-time while it runs the handover routine: on busy processors an ordinary thread waits
 * tens of milliseconds to be scheduled, four times in a handover. The routine gives the policy back by itself when nobody
 * else does, so a tracer that dies leaves no real-time thread.
 *
 * @param former what to give back; empty when the thread is left alone, because it is real-time itself, or because a
 *     seccomp filter might punish the routine for giving it back
 */
record Priority(int tid, OptionalInt former) {
    /** The priority among real-time threads. */
    static final int RAISED = 1;

    static Priority of(int tid) {
        int policy = Sched.policy(tid);
        boolean fair = switch (policy & ~Sched.RESET_ON_FORK) {
            case Sched.OTHER, Sched.BATCH, Sched.IDLE -> policy >= 0;
            default -> false;
        };
        boolean filtered =
                ProcessStatus.find(tid).map(status -> status.seccomp() != 0).orElse(true);
        return new Priority(tid, fair && !filtered ? OptionalInt.of(policy) : OptionalInt.empty());
    }

    /** The policy while it is raised. */
    int raised() {
        return Sched.FIFO | former.orElse(0) & Sched.RESET_ON_FORK;
    }

    /** After a failure; the handover itself gives it back. */
    void giveBack() {
        if (former.isPresent()) {
            Sched.setPolicy(tid, former.getAsInt(), 0);
        }
    }
}

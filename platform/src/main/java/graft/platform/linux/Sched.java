package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code sched.h} and {@code time.h}: the calling thread's scheduling policy, and short sleeps. */
public final class Sched {
    /** {@code SCHED_OTHER}. */
    public static final int OTHER = 0;

    /** {@code SCHED_FIFO}. */
    public static final int FIFO = 1;

    /** {@code SCHED_BATCH}. */
    public static final int BATCH = 3;

    /** {@code SCHED_IDLE}. */
    public static final int IDLE = 5;

    /** {@code SCHED_RESET_ON_FORK}: a flag beside the policy. */
    public static final int RESET_ON_FORK = 0x40000000;

    private static final ThreadLocal<MemorySegment> SCRATCH =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(16, 8));

    private Sched() {}

    /** Makes the calling OS thread real-time (SCHED_FIFO). @return 0, or the errno that refused it */
    public static int fifo(int priority) {
        return setPolicy(0, FIFO, priority);
    }

    /** Gives the calling OS thread back the ordinary policy. @return 0, or the errno that refused it */
    public static int ordinary() {
        return setPolicy(0, OTHER, 0);
    }

    /** {@code sched_getscheduler(2)}. @return the policy of thread {@code tid} with its flag, or a negative errno */
    public static int policy(int tid) {
        return (int) Syscall.SCHED_GETSCHEDULER.raw(tid, 0, 0, 0, 0, 0);
    }

    /** {@code sched_setscheduler(2)}; thread 0 is the calling one. @return 0, or the errno that refused it */
    public static int setPolicy(int tid, int policy, int priority) {
        MemorySegment parameters = SCRATCH.get();
        parameters.set(JAVA_INT, 0, priority);
        return (int) -Syscall.SCHED_SETSCHEDULER.raw(tid, policy, parameters.address(), 0, 0, 0);
    }

    /** {@code nanosleep(2)} of less than a second; may return early when a signal arrives. */
    public static void nanosleep(long nanoseconds) {
        MemorySegment time = SCRATCH.get();
        time.set(JAVA_LONG, 0, 0);
        time.set(JAVA_LONG, 8, nanoseconds);
        Syscall.NANOSLEEP.raw(time.address(), 0, 0, 0, 0, 0);
    }
}

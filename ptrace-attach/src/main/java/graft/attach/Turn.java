package graft.attach;

import graft.platform.linux.ProcMem;
import graft.platform.linux.Sched;

/**
 * The right to change a process: of several sessions, of one graft or of many, one has it at a time, from before it looks
 * at the process until what it does there is done. Kept by a lock on {@code /proc/PID/mem}, which only those can open who may
 * trace the process, and which the kernel gives back when the holder ends.
 */
final class Turn {
    /** An attach takes milliseconds, a detach that waits for threads in a pool ten seconds at most. */
    private static final long LIMIT_NANOS = 15_000_000_000L;

    private static final long PAUSE_NANOS = 200_000;

    private Turn() {}

    /**
     * Waits for it. It ends when {@code memory} is closed.
     *
     * @throws DeadlineException when another session does not end
     */
    static void await(int pid, ProcMem memory) {
        long limit = System.nanoTime() + LIMIT_NANOS;
        while (!memory.tryLock()) {
            if (System.nanoTime() > limit) {
                throw new DeadlineException(
                        "waiting for another session that changes process " + pid + " took too long");
            }
            Sched.nanosleep(PAUSE_NANOS);
        }
    }
}

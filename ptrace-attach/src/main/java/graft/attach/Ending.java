package graft.attach;

import graft.platform.linux.Sched;
import graft.platform.proc.ProcessStat;

/** Whether what failed did so because the target was killed. */
final class Ending {
    private static final int LOOKS = 50;
    private static final long LOOK_NANOS = 2_000_000;

    private Ending() {}

    /**
     * Whether the process has ended, or does now: one that was killed is not a zombie at once, and what fails because of
     * it comes first.
     */
    static boolean comesSoon(int pid) {
        for (int look = 0; look < LOOKS; look++) {
            if (ProcessStat.find(pid).map(ProcessStat::processEnded).orElse(true)) {
                return true;
            }
            Sched.nanosleep(LOOK_NANOS);
        }
        return false;
    }
}

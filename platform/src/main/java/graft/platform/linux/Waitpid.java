package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/** {@code sys/wait.h}. */
public final class Waitpid {
    /** Return at once when there is nothing to report. */
    public static final int WNOHANG = 1;

    /** Report stops of children that are not traced. */
    public static final int WUNTRACED = 2;

    /** Wait for threads and processes alike. */
    public static final int WALL = 0x40000000;

    /** {@link #waitpid} found nothing to report. */
    public static final int NOTHING = -1;

    /** Size of {@code siginfo_t}. */
    public static final long SIGINFO_SIZE = 128;

    private static final int P_PID = 1;
    private static final int WEXITED = 4;
    private static final int WNOWAIT = 0x1000000;
    private static final int STOPPED_STATUS = 0x7f;
    private static final int CLD_DUMPED = 3;
    private static final long SI_CODE = 8;
    private static final long SI_PID = 16;
    private static final long SI_STATUS = 24;

    private Waitpid() {}

    /**
     * Takes a stop of {@code tid}, and leaves its end to whoever waits for it.
     *
     * @param info {@link #SIGINFO_SIZE} bytes, overwritten
     * @return the status word for {@link WaitStatus#decode}, or {@link #NOTHING}
     */
    public static int stopOf(int tid, MemorySegment info) {
        boolean any = waitid(tid, WUNTRACED | WALL | WNOHANG, info);
        return any ? info.get(JAVA_INT, SI_STATUS) << 8 | STOPPED_STATUS : NOTHING;
    }

    /** Whether {@code tid} has ended; whoever waits for it still can. @param info as in {@link #stopOf} */
    public static boolean hasEnded(int tid, MemorySegment info) {
        // The stop of a traced thread is reported whatever the options say.
        return waitid(tid, WEXITED | WNOWAIT | WALL | WNOHANG, info) && info.get(JAVA_INT, SI_CODE) <= CLD_DUMPED;
    }

    private static boolean waitid(int tid, int options, MemorySegment info) {
        info.set(JAVA_INT, SI_PID, 0);
        Syscall.WAITID.checked(Syscall.WAITID.raw(P_PID, tid, info.address(), options, 0, 0), "waiting for " + tid);
        return info.get(JAVA_INT, SI_PID) != 0;
    }

    /**
     * Waits for a change of {@code pid}.
     *
     * @param status four bytes, overwritten
     * @return the status word for {@link WaitStatus#decode}, or {@link #NOTHING} with {@link #WNOHANG}
     */
    public static int waitpid(int pid, int options, MemorySegment status) {
        while (true) {
            long result = Syscall.WAIT4.raw(pid, status.address(), options, 0, 0, 0);
            if (result > 0) {
                return status.get(JAVA_INT, 0);
            }
            if (result == 0) {
                return NOTHING;
            }
            if (result != -Errno.EINTR) {
                throw new SysException("waitpid", (int) -result, "waiting for " + pid);
            }
        }
    }
}

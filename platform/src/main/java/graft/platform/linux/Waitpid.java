package graft.platform.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

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

    private static final MethodHandle WAITPID =
            NativeCalls.link("waitpid", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

    private Waitpid() {}

    /**
     * Waits for a change of {@code pid}.
     *
     * @param status four bytes, overwritten
     * @return the status word for {@link WaitStatus#decode}, or {@link #NOTHING} with {@link #WNOHANG}
     */
    public static int waitpid(int pid, int options, MemorySegment status) {
        MemorySegment capture = NativeCalls.capture();
        while (true) {
            int result;
            try {
                result = (int) WAITPID.invokeExact(capture, pid, status, options);
            } catch (Throwable thrown) {
                throw NativeCalls.unexpected(thrown);
            }
            if (result > 0) {
                return status.get(JAVA_INT, 0);
            }
            if (result == 0) {
                return NOTHING;
            }
            int errno = NativeCalls.errno(capture);
            if (errno != Errno.EINTR) {
                throw new SysException("waitpid", errno, "waiting for " + pid);
            }
        }
    }
}

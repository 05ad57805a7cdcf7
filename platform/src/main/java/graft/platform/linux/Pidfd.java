package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** {@code sys/pidfd.h}: descriptors of processes. By number, because older C libraries lack the wrappers. */
public final class Pidfd {
    /** The descriptor is of one thread (Linux 6.9 and newer). */
    public static final int THREAD = 0x80;

    private static final long PIDFD_OPEN = 434;
    private static final long PIDFD_GETFD = 438;
    private static final MethodHandle SYSCALL = NativeCalls.linkVariadic(
            "syscall", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT), 1);

    private Pidfd() {}

    /** {@code pidfd_open(2)}. */
    public static NativeFd open(int pid, int flags) {
        return new NativeFd(
                call(PIDFD_OPEN, pid, flags, "pidfd_open", "opening process " + pid), "pidfd of process " + pid);
    }

    /** {@code pidfd_getfd(2)}: a duplicate of descriptor {@code number} of the process. */
    public static NativeFd getfd(NativeFd pidfd, int number) {
        String what = "descriptor " + number + " of the " + pidfd;
        return new NativeFd(call(PIDFD_GETFD, pidfd.number(), number, "pidfd_getfd", "taking " + what), what);
    }

    private static int call(long number, int first, int second, String name, String doing) {
        MemorySegment capture = NativeCalls.capture();
        long result;
        try {
            result = (long) SYSCALL.invokeExact(capture, number, first, second, 0);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
        if (result == -1) {
            throw new SysException(name, NativeCalls.errno(capture), doing);
        }
        return (int) result;
    }
}

package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** {@code signal.h}: sending signals, and the numbers that graft uses. */
public final class Signals {
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGTERM = 15;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;
    public static final int SIGTRAP = 5;

    private static final long TGKILL_NUMBER = 234;
    private static final MethodHandle KILL =
            NativeCalls.link("kill", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle TGKILL = NativeCalls.linkVariadic(
            "syscall", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT), 1);

    private Signals() {}

    /** {@code kill(2)}; signal 0 only asks whether it would be allowed. */
    public static void kill(int pid, int signal) {
        MemorySegment capture = NativeCalls.capture();
        int result;
        try {
            result = (int) KILL.invokeExact(capture, pid, signal);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
        if (result == -1) {
            throw new SysException("kill", NativeCalls.errno(capture), "signal " + signal + " to process " + pid);
        }
    }

    /** {@code tgkill(2)}: to one thread. */
    public static void tgkill(int pid, int tid, int signal) {
        MemorySegment capture = NativeCalls.capture();
        long result;
        try {
            result = (long) TGKILL.invokeExact(capture, TGKILL_NUMBER, pid, tid, signal);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
        if (result == -1) {
            throw new SysException("tgkill", NativeCalls.errno(capture), "signal " + signal + " to thread " + tid);
        }
    }
}

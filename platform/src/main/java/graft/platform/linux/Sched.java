package graft.platform.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** {@code sched.h} and {@code time.h}: the calling thread's scheduling policy, and short sleeps. */
public final class Sched {
    private static final int OTHER = 0;
    private static final int FIFO = 1;
    private static final MethodHandle SETSCHEDULER =
            NativeCalls.link("sched_setscheduler", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle NANOSLEEP =
            NativeCalls.link("nanosleep", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    private static final ThreadLocal<MemorySegment> SCRATCH =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(16, 8));

    private Sched() {}

    /** Makes the calling OS thread real-time (SCHED_FIFO). @return 0, or the errno that refused it */
    public static int fifo(int priority) {
        return set(FIFO, priority);
    }

    /** Gives the calling OS thread back the ordinary policy. @return 0, or the errno that refused it */
    public static int ordinary() {
        return set(OTHER, 0);
    }

    private static int set(int policy, int priority) {
        MemorySegment parameters = SCRATCH.get();
        parameters.set(JAVA_INT, 0, priority);
        MemorySegment capture = NativeCalls.capture();
        int result;
        try {
            result = (int) SETSCHEDULER.invokeExact(capture, 0, policy, parameters);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
        return result == -1 ? NativeCalls.errno(capture) : 0;
    }

    /** {@code nanosleep(2)} of less than a second; may return early when a signal arrives. */
    public static void nanosleep(long nanoseconds) {
        MemorySegment time = SCRATCH.get();
        time.set(JAVA_LONG, 0, 0);
        time.set(JAVA_LONG, 8, nanoseconds);
        MemorySegment capture = NativeCalls.capture();
        try {
            int ignored = (int) NANOSLEEP.invokeExact(capture, time, MemorySegment.NULL);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
    }
}

package graft.platform.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@code time.h}. */
public final class Time {
    public static final int CLOCK_MONOTONIC = 1;
    public static final int CLOCK_BOOTTIME = 7;
    public static final int CLOCK_TAI = 11;

    private static final long SECOND = 1_000_000_000;

    private Time() {}

    /** Nanoseconds of a clock, as this process's time namespace has it. */
    public static long clockGettime(int clock) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(16, 8);
            long result = Syscall.CLOCK_GETTIME.raw(clock, time.address(), 0, 0, 0, 0);
            Syscall.CLOCK_GETTIME.checked(result, "reading clock " + clock);
            return time.get(ValueLayout.JAVA_LONG, 0) * SECOND + time.get(ValueLayout.JAVA_LONG, 8);
        }
    }
}

package graft.ebpf.maps;

import graft.platform.layout.MapConstants;
import graft.platform.layout.TimerLayout;
import graft.platform.layout.TimersLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.Futex;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.IntConsumer;

/**
 * Timers of one map as {@code map.layout} has them: the agent's {@code timer.c} on this side, and what its requests are for. A timer
 * is named by where it is in the region.
 *
 * @param first where the timer of the first element is
 * @param elementSize bytes from one element to the next
 * @param area where {@code graft_timers} is
 */
record TimerArea(MapRegion region, long first, int elementSize, int elements, long area) {
    static final long ALIGNMENT = 64;
    private static final long REALTIME = 0;
    private static final long MONOTONIC = 1;
    private static final long BOOTTIME = 7;

    /** Bytes of the area of so many elements. */
    static long bytes(int elements) {
        long words = words(elements);
        return TimersLayout.SIZE + (words + words(words)) * Long.BYTES;
    }

    private static long words(long bits) {
        return (bits + Long.SIZE - 1) / Long.SIZE;
    }

    /** What the agent needs to know. */
    void write() {
        region.setLong(area + TimersLayout.FIRST, area - first);
        region.set(area + TimersLayout.ELEMENT_SIZE, elementSize);
        region.set(area + TimersLayout.ELEMENTS, elements);
    }

    long timer(int element) {
        return first + (long) element * elementSize;
    }

    private int element(long timer) {
        return (int) ((timer - first) / elementSize);
    }

    private long marks() {
        return area + TimersLayout.SIZE;
    }

    private long groups() {
        return marks() + words(elements) * Long.BYTES;
    }

    /** Takes the elements whose timers were started. */
    void takeStarted(IntConsumer consumer) {
        long marked = words(elements);
        for (long group = 0; group < words(marked); group++) {
            long word = groups() + group * Long.BYTES;
            long some = region.getLongAcquire(word) == 0 ? 0 : region.getAndSetLong(word, 0);
            for (; some != 0; some &= some - 1) {
                long at = group * Long.SIZE + Long.numberOfTrailingZeros(some);
                if (at < marked) {
                    takeStarted(at, consumer);
                }
            }
        }
    }

    private void takeStarted(long word, IntConsumer consumer) {
        for (long some = region.getAndSetLong(marks() + word * Long.BYTES, 0); some != 0; some &= some - 1) {
            long element = word * Long.SIZE + Long.numberOfTrailingZeros(some);
            if (element < elements) {
                consumer.accept((int) element);
            }
        }
    }

    private boolean hasStarted() {
        for (long group = 0; group < words(words(elements)); group++) {
            if (region.getLongAcquire(groups() + group * Long.BYTES) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Waits until a timer is started, at most so long. */
    void await(long nanos) {
        int bell = region.getAcquire(area + TimersLayout.BELL);
        region.setVolatile(area + TimersLayout.ASLEEP, 1);
        if (!hasStarted()) {
            Futex.await(region.memory(), area + TimersLayout.BELL, bell, nanos);
        }
        region.setVolatile(area + TimersLayout.ASLEEP, 0);
    }

    /** Ends a wait. */
    void ring() {
        region.getAndAdd(area + TimersLayout.BELL, 1);
        Futex.wake(region.memory(), area + TimersLayout.BELL, 1);
    }

    /** The agent need not tell any more that it is started again for later. @return when it is due, if it is armed */
    OptionalLong see(long timer) {
        while (true) {
            long due = region.getLongAcquire(timer + TimerLayout.DUE);
            if (due >= 0) {
                return OptionalLong.empty();
            }
            if (region.compareAndSetLong(timer + TimerLayout.DUE, due, due | MapConstants.TIMER_SEEN)) {
                return OptionalLong.of(due & MapConstants.TIMER_WHEN);
            }
        }
    }

    boolean usesBootClock(long timer) {
        return (state(timer) & MapConstants.TIMER_BOOT_CLOCK) != 0;
    }

    private long state(long timer) {
        return region.getLongAcquire(timer + TimerLayout.STATE);
    }

    /** Disarms a timer that is due at {@code now} and marks it as running. @return its function, if it has one and is due */
    OptionalInt begin(long timer, long now) {
        while (true) {
            long due = region.getLongAcquire(timer + TimerLayout.DUE);
            long state = state(timer);
            if (due >= 0 || (due & MapConstants.TIMER_WHEN) > now || state == 0) {
                return OptionalInt.empty();
            }
            // Who cancels takes the function, then disarms, then looks whether it is running.
            long running = state | MapConstants.TIMER_RUNNING;
            if (!region.compareAndSetLong(timer + TimerLayout.STATE, state, running)) {
                continue;
            }
            if (region.compareAndSetLong(timer + TimerLayout.DUE, due, 0)) {
                int function = (int) (state & MapConstants.TIMER_FUNCTION) >>> MapConstants.TIMER_FUNCTION_SHIFT;
                if (function != 0) {
                    return OptionalInt.of(function);
                }
            }
            end(timer);
        }
    }

    /** Its function has returned. */
    void end(long timer) {
        region.getAndAndLong(timer + TimerLayout.STATE, ~(long) MapConstants.TIMER_RUNNING);
    }

    /** {@code bpf_timer_init}. */
    int init(long timer, long clock) {
        if (clock != REALTIME && clock != MONOTONIC && clock != BOOTTIME) {
            return -Errno.EINVAL;
        }
        long state = (area - timer) / Long.BYTES << MapConstants.TIMER_AREA_SHIFT
                | MapConstants.TIMER_INITIALISED
                | (clock == BOOTTIME ? MapConstants.TIMER_BOOT_CLOCK : 0);
        return region.compareAndSetLong(timer + TimerLayout.STATE, 0, state) ? 0 : -Errno.EBUSY;
    }

    /** {@code bpf_timer_set_callback}. */
    int setFunction(long timer, int function) {
        while (true) {
            long state = state(timer);
            if (state == 0) {
                return -Errno.EINVAL;
            }
            long with =
                    state & ~(long) MapConstants.TIMER_FUNCTION | (long) function << MapConstants.TIMER_FUNCTION_SHIFT;
            if (region.compareAndSetLong(timer + TimerLayout.STATE, state, with)) {
                return 0;
            }
        }
    }

    boolean isRunning(long timer) {
        return (state(timer) & MapConstants.TIMER_RUNNING) != 0;
    }

    boolean hasFunction(long timer) {
        return (state(timer) & MapConstants.TIMER_FUNCTION) != 0;
    }

    /** Arms a timer that has a function; the daemon's own thread need not be told by the bell. */
    void arm(long timer, long when) {
        long due = MapConstants.TIMER_ARMED | Math.clamp(when, 0, MapConstants.TIMER_WHEN);
        region.getAndSetLong(timer + TimerLayout.DUE, due);
        if (!hasFunction(timer)) {
            region.compareAndSetLong(timer + TimerLayout.DUE, due, 0);
            return;
        }
        long element = element(timer);
        region.getAndOrLong(marks() + element / Long.SIZE * Long.BYTES, 1L << element);
        long word = element / Long.SIZE;
        region.getAndOrLong(groups() + word / Long.SIZE * Long.BYTES, 1L << word);
    }

    /** {@code bpf_timer_cancel}, but for the wait. */
    int cancel(long timer) {
        return setFunction(timer, 0) != 0
                ? -Errno.EINVAL
                : region.getAndSetLong(timer + TimerLayout.DUE, 0) == 0 ? 0 : 1;
    }
}

package graft.ebpf.maps;

import graft.platform.layout.MapConstants;
import graft.platform.linux.Errno;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntConsumer;

/**
 * The timers in the values of one map: what the thread that runs their functions needs, and what the functions may do with them.
 * Programs in processes change them at any time. A timer has the number of its element here, and its place in the map's memory for
 * functions.
 */
public final class MapTimers {
    private static final long ABSOLUTE = 1;
    private static final long ON_THIS_PROCESSOR = 2;

    private final TimerArea area;

    private MapTimers(TimerArea area) {
        this.area = area;
    }

    /** Those of a map whose values have them. */
    public static Optional<MapTimers> of(BpfMap map) {
        Optional<TimerArea> area = switch (map) {
            case ArrayMap array -> array.timers();
            case HashTable table -> table.core.timers();
            default -> Optional.empty(); // no other has them
        };
        return area.map(MapTimers::new);
    }

    /** The two that timers go by. */
    public enum Clock {
        /** {@code CLOCK_MONOTONIC}. */
        MONOTONIC,
        /** {@code CLOCK_BOOTTIME}. */
        BOOT
    }

    /** When a timer is due, in nanoseconds of its clock as the kernel has it. */
    public record Due(Clock clock, long nanos) {}

    /** Reads a clock. */
    @FunctionalInterface
    public interface Now {
        /** Nanoseconds, as the kernel has them. */
        long of(Clock clock);
    }

    /** Takes the numbers of those that were started since the last call; each must then be looked at with {@link #see}. */
    public void takeStarted(IntConsumer consumer) {
        area.takeStarted(consumer);
    }

    /** Waits until one is started, at most so long. One thread at a time. */
    public void await(long nanos) {
        area.await(nanos);
    }

    /** Ends a wait. */
    public void ring() {
        area.ring();
    }

    /** When it is due, if it is armed. Nobody tells of it from now on when it is started again for later. */
    public Optional<Due> see(int number) {
        long timer = area.timer(number);
        Clock clock = clock(timer);
        var nanos = area.see(timer);
        return nanos.isPresent() ? Optional.of(new Due(clock, nanos.getAsLong())) : Optional.empty();
    }

    private Clock clock(long timer) {
        return area.usesBootClock(timer) ? Clock.BOOT : Clock.MONOTONIC;
    }

    /** Disarms one that is due at {@code now}: the number of its function, which must then run until {@link #end}. */
    public OptionalInt begin(int number, long now) {
        return area.begin(area.timer(number), now);
    }

    /** The function has returned. */
    public void end(int number) {
        area.end(area.timer(number));
    }

    /** Its function cannot go on: it is cancelled, and has none any more. */
    public void giveUp(int number) {
        area.cancel(area.timer(number));
    }

    /** {@code bpf_timer_init}: 0 or a negated errno. */
    public int init(long place, long flags) {
        return area.init(place, flags);
    }

    /** {@code bpf_timer_set_callback}: 0 or a negated errno. */
    public int setFunction(long place, int function) {
        return area.setFunction(place, function);
    }

    /** {@code bpf_timer_start}: 0 or a negated errno. */
    public int start(long place, long nanos, long flags, Now now) {
        if ((flags & ~(ABSOLUTE | ON_THIS_PROCESSOR)) != 0 || !area.hasFunction(place)) {
            return -Errno.EINVAL;
        }
        area.arm(place, (flags & ABSOLUTE) != 0 ? nanos : after(nanos, now.of(clock(place))));
        return 0;
    }

    /** What is too far away is never. */
    private static long after(long nanos, long now) {
        return nanos < 0 || nanos > MapConstants.TIMER_WHEN - now ? MapConstants.TIMER_WHEN : now + nanos;
    }

    /**
     * {@code bpf_timer_cancel} by a function, which is the only one that runs now: whether it was armed, or a negated errno, which is
     * {@code EDEADLK} for its own.
     */
    public int cancel(long place) {
        return area.isRunning(place) ? -Errno.EDEADLK : area.cancel(place);
    }
}

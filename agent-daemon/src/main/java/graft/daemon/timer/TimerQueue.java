package graft.daemon.timer;

import graft.ebpf.maps.MapTimers.Clock;
import graft.ebpf.maps.MapTimers.Due;
import graft.ebpf.maps.MapTimers.Now;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeSet;

/**
 * When to look at which timer: each is in it once at most, so it never has more than the map has elements. What is in it may have
 * been cancelled or started again for later since. Confined to one thread.
 */
final class TimerQueue {
    private record Entry(int number, Due due) {}

    private static final Comparator<Entry> SOONEST =
            Comparator.<Entry>comparingLong(entry -> entry.due().nanos()).thenComparingInt(Entry::number);

    private final Map<Integer, Entry> entries = new HashMap<>();
    private final Map<Clock, TreeSet<Entry>> byTime = new EnumMap<>(Clock.class);

    TimerQueue() {
        for (Clock clock : Clock.values()) {
            byTime.put(clock, new TreeSet<>(SOONEST));
        }
    }

    /** Sets when to look at a timer. */
    void put(int number, Due due) {
        Entry entry = new Entry(number, due);
        Entry before = entries.put(number, entry);
        if (before != null) {
            byTime.get(before.due().clock()).remove(before);
        }
        byTime.get(due.clock()).add(entry);
    }

    int size() {
        return entries.size();
    }

    /** Takes one that is due, of those of one clock the one that was due first. */
    OptionalInt takeDue(Now now) {
        for (Map.Entry<Clock, TreeSet<Entry>> of : byTime.entrySet()) {
            TreeSet<Entry> sorted = of.getValue();
            if (!sorted.isEmpty() && sorted.first().due().nanos() <= now.of(of.getKey())) {
                Entry entry = sorted.removeFirst();
                entries.remove(entry.number());
                return OptionalInt.of(entry.number());
            }
        }
        return OptionalInt.empty();
    }

    /** Nanoseconds until one is due, {@code most} when none is before that. */
    long nanosToNext(Now now, long most) {
        long nanos = most;
        for (Map.Entry<Clock, TreeSet<Entry>> of : byTime.entrySet()) {
            if (!of.getValue().isEmpty()) {
                nanos = Math.min(nanos, of.getValue().first().due().nanos() - now.of(of.getKey()));
            }
        }
        return Math.max(nanos, 0);
    }
}

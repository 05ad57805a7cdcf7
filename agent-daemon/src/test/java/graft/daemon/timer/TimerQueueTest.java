package graft.daemon.timer;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.MapTimers.Clock;
import graft.ebpf.maps.MapTimers.Due;
import graft.ebpf.maps.MapTimers.Now;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** With clocks that go when they are told to. */
class TimerQueueTest {
    private final Map<Clock, Long> clocks = new EnumMap<>(Map.of(Clock.MONOTONIC, 0L, Clock.BOOT, 1000L));
    private final Now now = clocks::get;
    private final TimerQueue queue = new TimerQueue();

    private List<Integer> due() {
        List<Integer> due = new ArrayList<>();
        for (OptionalInt next = queue.takeDue(now); next.isPresent(); next = queue.takeDue(now)) {
            due.add(next.getAsInt());
        }
        return due;
    }

    @Test
    void whatIsDueComesInItsOrder() {
        queue.put(3, new Due(Clock.MONOTONIC, 20));
        queue.put(1, new Due(Clock.MONOTONIC, 30));
        queue.put(2, new Due(Clock.MONOTONIC, 10));
        queue.put(4, new Due(Clock.MONOTONIC, 31));
        assertThat(due()).isEmpty();
        clocks.put(Clock.MONOTONIC, 30L);
        assertThat(due()).containsExactly(2, 3, 1);
        assertThat(queue.nanosToNext(now, 100)).isEqualTo(1);
    }

    @Test
    void eachIsInItOnce() {
        for (int i = 100; i > 0; i--) {
            queue.put(7, new Due(i % 2 == 0 ? Clock.MONOTONIC : Clock.BOOT, i));
        }
        queue.put(7, new Due(Clock.MONOTONIC, 50));
        assertThat(queue.size()).isEqualTo(1);
        clocks.put(Clock.MONOTONIC, 49L);
        assertThat(due()).isEmpty();
        clocks.put(Clock.MONOTONIC, 50L);
        assertThat(due()).containsExactly(7);
        assertThat(queue.size()).isZero();
    }

    @Test
    void clocksGoOnTheirOwn() {
        queue.put(1, new Due(Clock.MONOTONIC, 1000));
        queue.put(2, new Due(Clock.BOOT, 1500));
        assertThat(queue.nanosToNext(now, 2000)).isEqualTo(500);
        clocks.put(Clock.BOOT, 1500L);
        assertThat(queue.nanosToNext(now, 2000)).isZero();
        assertThat(due()).containsExactly(2);
        assertThat(queue.nanosToNext(now, 100)).isEqualTo(100);
    }
}

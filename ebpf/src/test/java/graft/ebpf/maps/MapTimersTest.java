package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.MapTimers.Clock;
import graft.ebpf.maps.MapTimers.Due;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.SpecialField;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.MapConstants;
import graft.platform.layout.TimerLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Timers in the memory of maps: what is told, seen, run and ended. */
class MapTimersTest {
    private static final int MAX = 200;
    private static final int VALUE = 40;
    private static final int LOCK = 8;
    private static final int TIMER = 16;
    private static final int DEAD = 4_000_000;
    private static final int FUNCTION = 9;
    private static final byte[] KEY = MapBytes.ofInt(130);

    private long time = 100;

    private static MapSpec spec(MapType type) {
        MapSpec plain = MapSpec.of("timed", type, 4, VALUE, MAX);
        SpecialField timer = new SpecialField(SpecialField.Kind.TIMER, TIMER, TimerLayout.SIZE);
        SpecialField lock = new SpecialField(SpecialField.Kind.SPIN_LOCK, LOCK, Integer.BYTES);
        return new MapSpec(
                plain.name(),
                type,
                plain.keySize(),
                VALUE,
                MAX,
                0,
                plain.keyType(),
                plain.valueType(),
                plain.content(),
                plain.access(),
                plain.inner(),
                plain.slots(),
                plain.extra(),
                type == MapType.LRU_HASH ? List.of(timer) : List.of(timer, lock));
    }

    private static BpfMap create(MapType type) {
        return ((MapCreation.Created) MapCreation.create(spec(type))).map();
    }

    private static byte[] value(int fill) {
        byte[] value = new byte[VALUE];
        Arrays.fill(value, (byte) fill);
        return value;
    }

    private static long timer(BpfMap map) {
        return MapView.of(map).orElseThrow().lookup(KEY).orElseThrow() + TIMER;
    }

    private static List<Integer> started(MapTimers timers) {
        List<Integer> started = new ArrayList<>();
        timers.takeStarted(started::add);
        return started;
    }

    private int start(MapTimers timers, long timer, long nanos) {
        return timers.start(timer, nanos, 0, _ -> time);
    }

    @ParameterizedTest
    @EnumSource(names = {"ARRAY", "HASH", "LRU_HASH"})
    void runsWhenItIsDue(MapType type) {
        try (BpfMap map = create(type)) {
            MapAccess access = new MapAccess(map);
            assertThat(access.update(KEY, value(1), 0)).isZero();
            MapTimers timers = MapTimers.of(map).orElseThrow();
            long timer = timer(map);
            assertThat(start(timers, timer, 5)).isEqualTo(-22);
            assertThat(timers.setFunction(timer, FUNCTION)).isEqualTo(-22);
            assertThat(timers.init(timer, 7)).isZero();
            assertThat(timers.init(timer, 7)).isEqualTo(-16);
            assertThat(timers.setFunction(timer, FUNCTION)).isZero();
            assertThat(start(timers, timer, 5)).isZero();
            assertThat(started(timers)).hasSize(1);
            assertThat(started(timers)).isEmpty();
            assertThat(start(timers, timer, 6)).isZero();
            int number = started(timers).getFirst();
            assertThat(MapView.of(map).orElseThrow().keyOf(number)).isEqualTo(KEY);
            assertThat(timers.see(number)).contains(new Due(Clock.BOOT, 106));
            assertThat(timers.begin(number, 105)).isEmpty();
            assertThat(timers.begin(number, 106)).hasValue(FUNCTION);
            assertThat(timers.see(number)).isEmpty();
            assertThat(timers.cancel(timer)).isEqualTo(-35);
            assertThat(start(timers, timer, 1)).isZero();
            timers.end(number);
            assertThat(timers.cancel(timer)).isEqualTo(1);
            assertThat(timers.cancel(timer)).isZero();
            assertThat(start(timers, timer, 1)).isEqualTo(-22);
            byte[] seen = access.lookup(KEY).value();
            assertThat(seen[LOCK]).isEqualTo((byte) (type == MapType.LRU_HASH ? 1 : 0));
            assertThat(Arrays.copyOfRange(seen, TIMER, TIMER + TimerLayout.SIZE))
                    .containsOnly(0);
            assertThat(seen[LOCK + 4]).isEqualTo((byte) 1);
            assertThat(seen[TIMER + TimerLayout.SIZE]).isEqualTo((byte) 1);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ARRAY", "HASH", "LRU_HASH"})
    void endsWithItsValue(MapType type) {
        try (BpfMap map = create(type)) {
            MapAccess access = new MapAccess(map);
            access.update(KEY, value(1), 0);
            MapTimers timers = MapTimers.of(map).orElseThrow();
            int number = arm(timers, timer(map));
            access.update(KEY, value(2), 0);
            assertThat(timers.see(number)).isEmpty();
            assertThat(timers.begin(number, Long.MAX_VALUE)).isEmpty();
            assertThat(timers.cancel(timer(map))).isEqualTo(-22);
        }
    }

    private int arm(MapTimers timers, long timer) {
        assertThat(timers.init(timer, 1)).isZero();
        assertThat(timers.setFunction(timer, FUNCTION)).isZero();
        assertThat(start(timers, timer, 5)).isZero();
        return started(timers).getFirst();
    }

    /** A process was killed when it had taken the element out, or was about to, and had not come to the timer. */
    @ParameterizedTest
    @EnumSource
    void endsWithAnElementWhoseProcessDiesOverIt(Death death) {
        MapSpec spec = spec(MapType.HASH);
        HashElements elements = HashElements.create(spec, MapMemory.OWN);
        try (MapRegion region = elements.region) {
            HashValues values = new HashValues(spec, region, elements.geometry);
            HashChanges changes = new HashChanges(elements, values);
            assertThat(changes.update(KEY, value(1), 0)).isZero();
            int element = elements.lookup(KEY);
            TimerArea area = new TimerArea(
                    region,
                    values.inElement(0) + TIMER,
                    elements.geometry.elementSize(),
                    elements.geometry.capacity(),
                    elements.geometry.timersOffset());
            long timer = area.timer(element);
            assertThat(area.init(timer, 1)).isZero();
            assertThat(area.setFunction(timer, FUNCTION)).isZero();
            area.arm(timer, 50);
            int bucket = elements.bucketOf(elements.hash(KEY));
            elements.setPending(bucket, MapConstants.PENDING_DELETE | (element + 1));
            if (death == Death.TAKEN_OUT) {
                elements.unlink(new HashElements.Found(elements.bucketAt(bucket) + BucketLayout.HEAD, element));
            }
            region.setLong(elements.bucketAt(bucket) + BucketLayout.LOCK, (long) DEAD << 32 | 7);
            assertThat(new HashRecovery(elements, values).releaseLocksOf(DEAD)).isEqualTo(1);
            assertThat(elements.lookup(KEY)).isEqualTo(HashElements.NONE);
            assertThat(area.begin(timer, Long.MAX_VALUE)).isEqualTo(OptionalInt.empty());
            assertThat(region.getLong(timer + TimerLayout.DUE)).isZero();
            assertThat(region.getLong(timer + TimerLayout.STATE)).isZero();
        }
    }

    /** Where it dies. */
    enum Death {
        NAMED,
        TAKEN_OUT
    }

    @Test
    void eachThatIsStartedIsTold() {
        try (BpfMap map = create(MapType.ARRAY)) {
            MapTimers timers = MapTimers.of(map).orElseThrow();
            int number = arm(timers, timer(map));
            assertThat(number).isEqualTo(130);
            for (int other : new int[] {0, 63, 64, 199}) {
                long timer = timer(map) + (other - number) * 40L;
                timers.init(timer, 1);
                timers.setFunction(timer, FUNCTION);
                start(timers, timer, 1);
            }
            assertThat(started(timers)).containsExactly(0, 63, 64, 199);
        }
    }
}

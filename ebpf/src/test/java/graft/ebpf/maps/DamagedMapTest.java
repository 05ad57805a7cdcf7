package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.FreeListLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Maps that a target has written over: the daemon says so, and every operation ends. */
@Timeout(20)
class DamagedMapTest {
    private static final int KEYS = 4;

    private static KeyedMap hash() {
        KeyedMap map = (KeyedMap) created(MapSpec.of("counts", MapType.HASH, 4, 8, KEYS));
        for (int key = 0; key < KEYS; key++) {
            map.update(MapBytes.ofInt(key), new byte[8], KeyedMap.ANY);
        }
        return map;
    }

    private static BpfMap created(MapSpec spec) {
        return ((MapCreation.Created) MapCreation.create(spec)).map();
    }

    private interface Scribble {
        void over(MemorySegment memory);
    }

    private static void scribble(BpfMap map, Scribble scribble) {
        long size = map.pieces().getFirst().length();
        try (SharedRegion region = SharedRegion.map(map.fd(), size, SharedRegion.Access.READ_WRITE)) {
            scribble.over(region.segment());
        }
    }

    /** Every element's successor becomes itself. */
    private static void tieElements(KeyedMap map) {
        HashGeometry geometry = HashGeometry.of(map.spec());
        scribble(map, memory -> {
            for (int element = 0; element < geometry.capacity(); element++) {
                memory.set(
                        ValueLayout.JAVA_INT,
                        geometry.elementsOffset() + (long) element * geometry.elementSize(),
                        element);
            }
        });
    }

    @Test
    void aChainWithoutEndIsReported() {
        try (KeyedMap map = hash()) {
            tieElements(map);
            assertThatThrownBy(map::keys)
                    .isInstanceOf(DamagedMapException.class)
                    .hasMessageMatching("map counts: the chain of bucket \\d+ does not end; "
                            + "a process that maps it has written over it");
        }
    }

    @Test
    void samplesGoWhereTheyShouldWhateverTheirPositionsSay() {
        try (UserRingBuffer ring = (UserRingBuffer) created(MapSpec.of("samples", MapType.USER_RINGBUF, 0, 0, 4096))) {
            for (long position : new long[] {4095, 4093, -1, Long.MIN_VALUE}) {
                scribble(
                        ring, memory -> memory.set(ValueLayout.JAVA_LONG, MapConstants.RING_PRODUCER_OFFSET, position));
                UserRingBuffer.Sample sample = ring.reserve(8).orElseThrow();
                sample.put(0, new byte[8]);
                sample.submit();
            }
            assertThat(ring.pending()).isEqualTo(4 * 16);
        }
    }

    @Test
    void aProducerHereBelievesNoPositions() {
        long[][] positions = {
            {0, 1L << 60}, {0, 4097}, {8, 0}, {0, 1}, {4, 8}, {-16, -8}, {Long.MIN_VALUE, Long.MAX_VALUE}
        };
        try (RingBuffer ring = (RingBuffer) created(MapSpec.of("events", MapType.RINGBUF, 0, 0, 4096))) {
            RingProducer producer = new RingProducer(ring);
            for (long[] pair : positions) {
                scribble(ring, memory -> {
                    memory.set(ValueLayout.JAVA_LONG, MapConstants.RING_CONSUMER_OFFSET, pair[0]);
                    memory.set(ValueLayout.JAVA_LONG, MapConstants.RING_PRODUCER_OFFSET, pair[1]);
                });
                assertThatThrownBy(() -> producer.reserve(8))
                        .isInstanceOf(DamagedMapException.class)
                        .hasMessageStartingWith("map events: its positions contradict each other: " + pair[0]);
            }
        }
    }

    @Test
    void elementsThatDoNotExistAreNotTouched() {
        try (KeyedMap map = hash()) {
            scribble(map, memory -> {
                for (int bucket = 0; bucket < HashGeometry.of(map.spec()).buckets(); bucket++) {
                    memory.set(
                            ValueLayout.JAVA_INT,
                            HashLayout.SIZE + (long) bucket * BucketLayout.SIZE + BucketLayout.HEAD,
                            0x7ffffff0);
                }
                for (int list = 0; list < HashGeometry.of(map.spec()).lists(); list++) {
                    memory.set(ValueLayout.JAVA_INT, HashLists.at(list) + FreeListLayout.FIRST, 0x7fffffff);
                }
            });
            assertThatThrownBy(() -> map.lookup(MapBytes.ofInt(1))).isInstanceOf(DamagedMapException.class);
            assertThatThrownBy(() -> map.update(MapBytes.ofInt(1), new byte[8], KeyedMap.ANY))
                    .isInstanceOf(DamagedMapException.class);
            assertThatThrownBy(() -> map.delete(MapBytes.ofInt(1))).isInstanceOf(DamagedMapException.class);
        }
    }

    @Test
    void recoveryEndsAndFreesTheLock() {
        int dead = 4242;
        try (KeyedMap map = hash()) {
            tieElements(map);
            scribble(map, memory -> {
                memory.set(ValueLayout.JAVA_LONG, HashLayout.SIZE + BucketLayout.LOCK, (long) dead << 32 | 1);
                memory.set(
                        ValueLayout.JAVA_INT, HashLayout.SIZE + BucketLayout.PENDING, MapConstants.PENDING_DELETE | 2);
            });
            assertThat(map.releaseLocksOf(dead)).isEqualTo(1);
            assertThat(map.releaseLocksOf(dead)).isZero();
        }
    }

    @Test
    void aRingWhosePositionsContradictEachOtherIsReported() {
        try (RingBuffer ring = (RingBuffer) created(MapSpec.of("events", MapType.RINGBUF, 0, 0, 4096))) {
            scribble(ring, memory -> memory.set(ValueLayout.JAVA_LONG, MapConstants.RING_PRODUCER_OFFSET, 1L << 40));
            assertThatThrownBy(() -> ring.await(Duration.ZERO))
                    .isInstanceOf(DamagedMapException.class)
                    .hasMessage("map events: its positions contradict each other: 0 read of 1099511627776; "
                            + "a process that maps it has written over it");
            assertThat(ring.reader().ownerDied(1)).isZero();
        }
    }

    @Test
    void aRecordLongerThanWhatWasWrittenIsReportedAfterThoseBeforeIt() {
        try (RingBuffer ring = (RingBuffer) created(MapSpec.of("events", MapType.RINGBUF, 0, 0, 4096))) {
            scribble(ring, memory -> {
                memory.set(ValueLayout.JAVA_INT, MapConstants.RING_DATA_OFFSET, 8);
                memory.set(ValueLayout.JAVA_INT, MapConstants.RING_DATA_OFFSET + 16, 0x100000);
                memory.set(ValueLayout.JAVA_LONG, MapConstants.RING_PRODUCER_OFFSET, 48L);
            });
            List<Long> sizes = new ArrayList<>();
            assertThatThrownBy(() -> ring.drain(record -> sizes.add(record.byteSize()), 10))
                    .isInstanceOf(DamagedMapException.class)
                    .hasMessageStartingWith("map events: a record of 1048576 bytes where only 32 were written");
            assertThat(sizes).containsExactly(8L);
        }
    }
}

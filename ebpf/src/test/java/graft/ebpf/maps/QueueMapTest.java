package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.QueueLayout;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Queues, stacks and filters as the daemon uses them; what programs do with them is compared elsewhere. */
class QueueMapTest {
    private static final int OPERATIONS = 25_000;
    private static final int DEAD = 4242;

    private static BpfMap created(MapType type, int valueSize, int entries) {
        return ((MapCreation.Created) MapCreation.create(MapSpec.of("values", type, 0, valueSize, entries))).map();
    }

    /** bpf(2) pushes by an update, peeks by a lookup, and pops by looking up and deleting. */
    @ParameterizedTest
    @CsvSource({"QUEUE, 8, 7", "QUEUE, 13, 1", "STACK, 4, 20", "STACK, 40, 3"})
    void answersAsTheKernel(MapType type, int valueSize, int entries) {
        Random random = new Random(valueSize);
        try (QueueMap ours = (QueueMap) created(type, valueSize, entries);
                NativeFd kernel = Bpf.mapCreate(
                        new Bpf.MapAttributes("values", type.number(), 0, valueSize, entries, 0, 0, 0, 0));
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(valueSize, 8);
            for (int i = 0; i < OPERATIONS; i++) {
                byte[] value = new byte[valueSize];
                random.nextBytes(value);
                switch (random.nextInt(5)) {
                    case 0, 1 -> {
                        memory.copyFrom(MemorySegment.ofArray(value));
                        long flags = random.nextInt(4);
                        assertThat(ours.push(value, flags))
                                .isEqualTo(-Bpf.mapUpdate(kernel, MemorySegment.NULL, memory, flags));
                    }
                    case 2 -> {
                        int errno = Bpf.mapLookup(kernel, MemorySegment.NULL, memory);
                        assertThat(ours.peek().orElse(null)).isEqualTo(taken(errno, memory));
                    }
                    default -> {
                        int errno = Bpf.mapLookupAndDelete(kernel, MemorySegment.NULL, memory);
                        assertThat(ours.pop().orElse(null)).isEqualTo(taken(errno, memory));
                    }
                }
            }
        }
    }

    private static byte[] taken(int errno, MemorySegment memory) {
        assertThat(errno).isIn(0, Errno.ENOENT);
        return errno == 0 ? memory.toArray(ValueLayout.JAVA_BYTE) : null;
    }

    @Test
    void aDeadProcessHoldsNothing() {
        try (QueueMap map = (QueueMap) created(MapType.QUEUE, 8, 2);
                SharedRegion region = SharedRegion.map(map.fd(), map.regionSize(), SharedRegion.Access.READ_WRITE)) {
            region.segment().set(ValueLayout.JAVA_LONG, QueueLayout.LOCK, (long) DEAD << Integer.SIZE | 1);
            assertThat(map.push(new byte[8], 0)).isEqualTo(-Errno.EBUSY);
            assertThat(map.releaseLocksOf(DEAD + 1)).isZero();
            assertThat(map.releaseLocksOf(DEAD)).isEqualTo(1);
            assertThat(map.push(new byte[8], 0)).isZero();
            assertThat(map.values()).hasSize(1);
        }
    }

    @Test
    void aFilterForgetsNothing() {
        try (BloomFilter filter = (BloomFilter) created(MapType.BLOOM_FILTER, 12, 1000)) {
            byte[] value = new byte[12];
            for (int i = 0; i < 1000; i++) {
                MapBytes.putInt(value, 8, i);
                assertThat(filter.add(value, 0)).isZero();
            }
            for (int i = 0; i < 1000; i++) {
                MapBytes.putInt(value, 8, i);
                assertThat(filter.mayContain(value)).isTrue();
            }
            int found = 0;
            for (int i = 1000; i < 11_000; i++) {
                MapBytes.putInt(value, 8, i);
                found += filter.mayContain(value) ? 1 : 0;
            }
            // (1 - (1 - 1/8192)^5000)^5 = 2 %.
            assertThat(found).isBetween(50, 500);
            assertThat(filter.add(value, KeyedMap.NOEXIST)).isEqualTo(-Errno.EINVAL);
        }
    }
}

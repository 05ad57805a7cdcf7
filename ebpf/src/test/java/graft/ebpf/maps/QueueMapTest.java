package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.QueueLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Queues and filters by themselves; that they answer as the kernel's is compared elsewhere. */
class QueueMapTest {
    private static final int DEAD = 4242;

    private static BpfMap created(MapType type, int valueSize, int entries) {
        return ((MapCreation.Created) MapCreation.create(MapSpec.of("values", type, 0, valueSize, entries))).map();
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

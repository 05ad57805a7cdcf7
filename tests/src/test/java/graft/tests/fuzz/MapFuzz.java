package graft.tests.fuzz;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;

/**
 * Shared map memory that a target has written over: whatever stands there, every operation of the daemon ends. The first
 * byte chooses the map; then follow pairs of a place (4 bytes) and a word (4 bytes) to write.
 */
public final class MapFuzz {
    private static final int DEAD = 4242;
    private static final int RECORDS = 64;

    private MapFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        MapSpec spec = switch (input[0] & 7) {
            case 0 -> MapSpec.of("small", MapType.HASH, 4, 8, 8);
            case 1 -> MapSpec.of("wide", MapType.HASH, 8, 24, 16);
            case 2 -> MapSpec.of("percpu", MapType.PERCPU_HASH, 4, 8, 8);
            case 4 -> MapSpec.of("perf", MapType.PERF_EVENT_ARRAY, 4, 4, 1);
            default -> MapSpec.of("ring", MapType.RINGBUF, 0, 0, 4096);
        };
        try (BpfMap map = ((MapCreation.Created) MapCreation.create(spec)).map()) {
            if (map instanceof KeyedMap keyed) {
                fill(keyed);
            }
            scribble(map, ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN).position(1));
            use(map);
        }
    }

    private static void fill(KeyedMap map) {
        byte[] value = new byte[map.valueBytes()];
        for (int i = 0; i < 6; i++) {
            map.update(key(map, i), value, KeyedMap.ANY);
        }
        map.delete(key(map, 2));
    }

    private static byte[] key(KeyedMap map, int number) {
        byte[] key = new byte[map.spec().keySize()];
        key[0] = (byte) number;
        return key;
    }

    private static void scribble(BpfMap map, ByteBuffer writes) {
        long size = map.pieces().getFirst().length();
        try (SharedRegion region = SharedRegion.map(map.fd(), size, SharedRegion.Access.READ_WRITE)) {
            MemorySegment memory = region.segment();
            while (writes.remaining() >= 8) {
                long at = Integer.toUnsignedLong(writes.getInt()) % (size / 4) * 4;
                memory.set(ValueLayout.JAVA_INT, at, writes.getInt());
            }
        }
    }

    private static void use(BpfMap map) {
        if (map instanceof HashTable table) {
            hash(table);
        }
        if (map instanceof RingBuffer ring) {
            ring(ring);
        }
        if (map instanceof PerfBuffers buffers) {
            perf(buffers);
        }
    }

    private static void hash(HashTable table) {
        each(table::entries);
        each(table::keys);
        each(table::firstKey);
        for (int i = 0; i < 3; i++) {
            byte[] key = key(table, i);
            each(() -> table.lookup(key));
            each(() -> table.nextKey(key));
            each(() -> table.update(key, new byte[table.valueBytes()], KeyedMap.ANY));
            each(() -> table.delete(key));
        }
        each(() -> table.releaseLocksOf(DEAD));
        each(table::count);
    }

    private static void ring(RingBuffer ring) {
        each(() -> ring.reader().await(Duration.ZERO));
        each(() -> ring.reader().drain(record -> record.byteSize(), RECORDS));
        each(() -> ring.reader().ownerDied(DEAD));
        each(() -> ring.reader().drain(record -> record.byteSize(), RECORDS));
    }

    private static void perf(PerfBuffers buffers) {
        each(() -> buffers.reader().drain((_, record) -> record.byteSize(), RECORDS));
        each(() -> buffers.ownerDied(DEAD));
        each(() -> buffers.reader().await(Duration.ZERO));
        each(() -> buffers.reader().drain((_, record) -> record.byteSize(), RECORDS));
        each(buffers::losses);
    }

    private static void each(Runnable operation) {
        Outcome.valueOr(graft.ebpf.maps.DamagedMapException.class, operation);
    }
}

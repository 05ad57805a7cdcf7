package graft.ebpf.maps;

import graft.platform.linux.Errno;
import java.lang.foreign.MemorySegment;

/** Takes everything out of a map as others would who use it at the same time, so that it stays whole whatever they do. */
final class Emptying {
    private Emptying() {}

    /** Whether nothing was left; false when a lock was not free in time. */
    static boolean of(RegionMap map) {
        map.thaw();
        return switch (map) {
            case ArrayMap array -> zeroed(array.region.memory());
            case PerCpuArrayMap array -> zeroed(array.region.memory());
            case BloomFilter filter -> {
                filter.clear();
                yield true;
            }
            case QueueMap queue -> queue.clear();
            case HashTable keyed -> deleted(keyed);
            case LpmTrie keyed -> deleted(keyed);
            case StackTraceMap keyed -> deleted(keyed);
            case MapOfMaps _,
                    RingBuffer _,
                    PerfBuffers _,
                    ArenaMap _,
                    TaskStorageMap _,
                    UserRingBuffer _,
                    CgroupArray _ -> throw new AssertionError(map.spec() + " is in no map");
        };
    }

    private static boolean zeroed(MemorySegment values) {
        values.fill((byte) 0);
        return true;
    }

    private static boolean deleted(KeyedMap map) {
        return map.keys().stream().allMatch(key -> {
            int result = map.delete(key);
            return result == 0 || result == -Errno.ENOENT;
        });
    }
}

package graft.ebpf.object;

/** What libbpf makes of the numbers in a map's definition before it asks the kernel for the map. */
final class MapShape {
    private static final int PAGE = 4096;
    private static final int DESCRIPTOR = 4;

    private MapShape() {}

    /** {@code map} with sizes that its type dictates. */
    static MapSpec fitted(MapSpec map) {
        return switch (map.type()) {
            case RINGBUF, USER_RINGBUF -> map.sized(map.keySize(), map.valueSize(), pages(map.maxEntries()));
            case PERF_EVENT_ARRAY -> map.sized(DESCRIPTOR, DESCRIPTOR, map.maxEntries());
            case PROG_ARRAY, ARRAY_OF_MAPS, CGROUP_ARRAY -> map.sized(DESCRIPTOR, DESCRIPTOR, map.maxEntries());
            case HASH_OF_MAPS -> map.sized(map.keySize(), DESCRIPTOR, map.maxEntries());
            case HASH,
                    ARRAY,
                    PERCPU_HASH,
                    PERCPU_ARRAY,
                    STACK_TRACE,
                    LRU_HASH,
                    LRU_PERCPU_HASH,
                    LPM_TRIE,
                    DEVMAP,
                    SOCKMAP,
                    CPUMAP,
                    XSKMAP,
                    SOCKHASH,
                    CGROUP_STORAGE,
                    REUSEPORT_SOCKARRAY,
                    PERCPU_CGROUP_STORAGE,
                    QUEUE,
                    STACK,
                    SK_STORAGE,
                    DEVMAP_HASH,
                    STRUCT_OPS,
                    INODE_STORAGE,
                    TASK_STORAGE,
                    BLOOM_FILTER,
                    CGRP_STORAGE,
                    ARENA,
                    INSN_ARRAY -> map;
        };
    }

    /** A power of two of at least one page. */
    private static int pages(int entries) {
        if (entries <= 0 || entries > 1 << 30) {
            return entries;
        }
        int bytes = PAGE;
        while (bytes < entries) {
            bytes *= 2;
        }
        return bytes;
    }
}

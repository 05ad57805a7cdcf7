package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;

/** The class of each type. */
final class MapMaker {
    private MapMaker() {}

    /** A map of a blueprint that is not refused. */
    static RegionMap make(MapSpec spec, MapMemory memory) {
        return switch (spec.type()) {
            case ARRAY, PROG_ARRAY -> ArrayMap.create(spec, memory);
            case PERCPU_ARRAY -> PerCpuArrayMap.create(spec, memory);
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH -> HashTable.create(spec, memory);
            case RINGBUF -> RingBuffer.create(spec);
            case USER_RINGBUF -> UserRingBuffer.create(spec);
            case PERF_EVENT_ARRAY -> PerfBuffers.create(spec);
            case LPM_TRIE -> LpmTrie.create(spec, memory);
            case QUEUE, STACK -> QueueMap.create(spec, memory);
            case BLOOM_FILTER -> BloomFilter.create(spec, memory);
            case ARENA -> ArenaMap.create(spec);
            case STACK_TRACE -> StackTraceMap.create(spec, memory);
            case TASK_STORAGE -> TaskStorageMap.create(spec, memory);
            case CGROUP_ARRAY -> CgroupArray.create(spec, memory);
            case DEVMAP,
                    SOCKMAP,
                    CPUMAP,
                    XSKMAP,
                    SOCKHASH,
                    CGROUP_STORAGE,
                    REUSEPORT_SOCKARRAY,
                    PERCPU_CGROUP_STORAGE,
                    SK_STORAGE,
                    DEVMAP_HASH,
                    STRUCT_OPS,
                    INODE_STORAGE,
                    CGRP_STORAGE,
                    INSN_ARRAY,
                    ARRAY_OF_MAPS,
                    HASH_OF_MAPS -> throw new AssertionError(spec.type() + " passed the rules");
        };
    }
}

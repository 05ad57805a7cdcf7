package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.SysException;
import java.util.Optional;

/** What became of a map's blueprint. */
public sealed interface MapCreation {
    /** Bytes of the one ring that stands for the kernel's, of which each processor has one of 64 pages as a rule. */
    int PERF_BYTES = 1 << 20;

    /** It exists; the receiver owns the map. */
    record Created(BpfMap map) implements MapCreation {}

    /**
     * It cannot exist here.
     *
     * @param why the reason, in words that follow the map's name
     * @param suggestion what to try
     */
    record Refused(MapSpec spec, String why, String suggestion) implements MapCreation {
        @Override
        public String toString() {
            return "map " + spec.name() + ": " + why + "\n  try: " + suggestion;
        }
    }

    /**
     * Creates the map in shared memory, filled with the blueprint's content. Refused too when the system has no memory
     * or descriptors left.
     */
    static MapCreation create(MapSpec spec) {
        Optional<Refused> refused = MapRules.refusal(spec);
        if (refused.isPresent()) {
            return refused.get();
        }
        try {
            return new Created(make(spec));
        } catch (SysException failed) {
            return new Refused(spec, failed.getMessage(), "a smaller map, or more memory");
        }
    }

    private static BpfMap make(MapSpec spec) {
        return switch (spec.type()) {
            case ARRAY, PROG_ARRAY -> ArrayMap.create(spec);
            case PERCPU_ARRAY -> PerCpuArrayMap.create(spec);
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH -> HashTable.create(spec);
            case RINGBUF -> RingBuffer.create(spec);
            case PERF_EVENT_ARRAY -> RingBuffer.create(spec.sized(0, 0, PERF_BYTES));
            case LPM_TRIE -> LpmTrie.create(spec);
            case QUEUE, STACK -> QueueMap.create(spec);
            case BLOOM_FILTER -> BloomFilter.create(spec);
            case ARENA -> ArenaMap.create(spec);
            case STACK_TRACE -> StackTraceMap.create(spec);
            case CGROUP_ARRAY,
                    DEVMAP,
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
                    HASH_OF_MAPS,
                    TASK_STORAGE,
                    USER_RINGBUF -> throw new AssertionError(spec.type() + " passed the rules");
        };
    }
}

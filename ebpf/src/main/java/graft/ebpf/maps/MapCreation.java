package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.SysException;
import java.util.Locale;
import java.util.Optional;

/** What became of creating a map. */
public sealed interface MapCreation {
    /** It exists; the caller closes it. */
    record Created(BpfMap map) implements MapCreation {}

    /** It cannot be made. */
    record Refused(MapSpec spec, String why, String suggestion) implements MapCreation {}

    /** Creates a map from its blueprint. */
    static MapCreation create(MapSpec spec) {
        Optional<String> wrong = Sizes.problem(spec);
        if (wrong.isPresent()) {
            return new Refused(spec, wrong.get(), "see bpf(2), BPF_MAP_CREATE");
        }
        try {
            return switch (spec.type()) {
                case ARRAY -> new Created(ArrayMap.create(spec));
                case PERCPU_ARRAY -> new Created(PerCpuArrayMap.create(spec));
                case HASH, PERCPU_HASH -> new Created(HashTable.create(spec));
                case RINGBUF -> new Created(RingBuffer.create(spec));
                case PROG_ARRAY,
                        PERF_EVENT_ARRAY,
                        STACK_TRACE,
                        CGROUP_ARRAY,
                        LRU_HASH,
                        LRU_PERCPU_HASH,
                        LPM_TRIE,
                        ARRAY_OF_MAPS,
                        HASH_OF_MAPS,
                        QUEUE,
                        STACK,
                        TASK_STORAGE,
                        BLOOM_FILTER,
                        USER_RINGBUF,
                        ARENA ->
                    new Refused(spec, "maps of type " + word(spec.type()) + " are not offered yet", "--where kernel");
            };
        } catch (SysException failed) {
            return new Refused(spec, failed.getMessage(), "a smaller map, or more memory");
        }
    }

    private static String word(MapType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }
}

package graft.ebpf.maps;

import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Sysconf;
import graft.platform.proc.StackDepth;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** Which blueprints become maps. What the kernel answers with EINVAL or E2BIG is refused here too. */
final class MapRules {
    private static final int NO_COMMON_LRU = 1 << 1;
    private static final int NUMA_NODE = 1 << 2;
    private static final int RDONLY = 1 << 3;
    private static final int WRONLY = 1 << 4;
    private static final int STACK_BUILD_ID = 1 << 5;
    private static final int ZERO_SEED = 1 << 6;
    private static final int PRESERVE_ELEMENTS = 1 << 11;
    private static final int INNER_MAP = 1 << 12;
    private static final int CLONE = 1 << 9;
    private static final int SEGV_ON_FAULT = 1 << 17;
    private static final int WRONLY_PROG = 1 << 8;
    private static final int ACCESS_FLAGS = NUMA_NODE | RDONLY | WRONLY | MapSpec.READ_ONLY_FOR_PROGRAMS | WRONLY_PROG;
    static final long LARGEST_REGION = 1L << 36;
    private static final int LARGEST_PER_CPU_VALUE = 32 << 10;
    private static final long LARGEST_ARENA = 1L << 32;
    private static final int LARGEST_RING = 1 << 30;
    private static final int LARGEST_PREFIX = 256;
    /** In the kernel 64 KiB with what it adds to an element, 128 bytes. */
    private static final int LARGEST_STORAGE = 0xffff - 128;

    private static final long LARGEST_ELEMENT = 4L << 20;
    private static final Set<MapType> TIMED = EnumSet.of(MapType.ARRAY, MapType.HASH, MapType.LRU_HASH);

    private MapRules() {}

    static Optional<MapCreation.Refused> refusal(MapSpec spec) {
        return locks(spec).or(() -> timers(spec)).or(() -> ofType(spec));
    }

    /** Where the kernel has them. */
    private static Optional<MapCreation.Refused> timers(MapSpec spec) {
        if (spec.timer().isEmpty()) {
            return Optional.empty();
        }
        if (!TIMED.contains(spec.type())) {
            return no(
                    spec,
                    "its values have a timer, and its type is " + spec.type(),
                    "type ARRAY, HASH or LRU_HASH, or --where kernel");
        }
        if ((spec.flags() & (MapSpec.READ_ONLY_FOR_PROGRAMS | MapSpec.WRITE_ONLY_FOR_PROGRAMS)) != 0) {
            return no(spec, "its values have a timer, and programs cannot change them", "map_flags 0");
        }
        return spec.timer().getAsInt() % Long.BYTES == 0
                ? Optional.empty()
                : no(spec, "the timer in its values is not aligned", "a struct that is not packed");
    }

    /** Where the kernel has them, but for storages. */
    private static Optional<MapCreation.Refused> locks(MapSpec spec) {
        if (spec.lock().isEmpty()) {
            return Optional.empty();
        }
        if (spec.type() != MapType.ARRAY && spec.type() != MapType.HASH) {
            return no(spec, "its values have a lock, and its type is " + spec.type(), "type ARRAY or HASH");
        }
        if ((spec.flags() & (MapSpec.READ_ONLY_FOR_PROGRAMS | MapSpec.WRITE_ONLY_FOR_PROGRAMS)) != 0) {
            return no(spec, "its values have a lock, and programs cannot change them", "map_flags 0");
        }
        return spec.lock().getAsInt() % Integer.BYTES == 0
                ? Optional.empty()
                : no(spec, "the lock in its values is not aligned", "a struct that is not packed");
    }

    private static Optional<MapCreation.Refused> ofType(MapSpec spec) {
        return switch (spec.type()) {
            case ARRAY -> array(spec, MapSpec.MMAPABLE | INNER_MAP);
            case PERCPU_ARRAY -> array(spec, 0);
            case PROG_ARRAY -> programs(spec);
            case HASH, PERCPU_HASH -> hash(spec, MapSpec.NO_PREALLOC);
            case LRU_HASH, LRU_PERCPU_HASH -> hash(spec, NO_COMMON_LRU);
            case RINGBUF, USER_RINGBUF -> ring(spec);
            case PERF_EVENT_ARRAY -> buffers(spec);
            case LPM_TRIE -> trie(spec);
            case QUEUE, STACK -> keyless(spec, "a queue or stack", ACCESS_FLAGS);
            case BLOOM_FILTER -> bloom(spec);
            case ARENA -> arena(spec);
            case STACK_TRACE -> traces(spec);
            case TASK_STORAGE -> storage(spec);
            case ARRAY_OF_MAPS, HASH_OF_MAPS -> holder(spec);
            case CGROUP_ARRAY -> groups(spec);
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
                    INSN_ARRAY ->
                no(spec, "its type " + spec.type() + " is not available in user space", "--where kernel");
        };
    }

    private static Optional<MapCreation.Refused> array(MapSpec spec, int moreFlags) {
        if (spec.keySize() != Integer.BYTES) {
            return no(spec, "an array has 4-byte keys, not " + spec.keySize(), "key_size 4");
        }
        if (spec.content().bytes().length > spec.valueSize()) {
            return no(spec, "its content is larger than its value", "a value_size of the content's length");
        }
        return common(spec, ACCESS_FLAGS | moreFlags).or(() -> size(spec, (long) spec.maxEntries() * stride(spec)));
    }

    private static Optional<MapCreation.Refused> programs(MapSpec spec) {
        if (spec.valueSize() != Integer.BYTES) {
            return no(spec, "a program stands in it with 4 bytes, not " + spec.valueSize(), "value_size 4");
        }
        return (spec.flags() & (MapSpec.READ_ONLY_FOR_PROGRAMS | WRONLY_PROG)) != 0 ? flags(spec) : array(spec, 0);
    }

    private static Optional<MapCreation.Refused> hash(MapSpec spec, int moreFlags) {
        if (spec.keySize() <= 0) {
            return no(spec, "a hash needs keys of at least one byte", "a key type");
        }
        if (!spec.content().isEmpty()) {
            return no(spec, "only arrays have initial content", "type ARRAY");
        }
        if ((long) spec.keySize() + spec.valueSize() > LARGEST_ELEMENT) {
            return no(spec, "key and value are larger than 4 MiB", "smaller values");
        }
        return common(spec, ACCESS_FLAGS | moreFlags | ZERO_SEED)
                .or(() -> spec.maxEntries() > MapConstants.ELEMENTS_MAX - MapConstants.HASH_LISTS_MAX
                        ? no(spec, "max_entries " + spec.maxEntries() + " is too large", "at most 500 000 000")
                        : size(spec, HashGeometry.regionSize(spec)));
    }

    private static Optional<MapCreation.Refused> keyless(MapSpec spec, String what, int allowedFlags) {
        if (spec.keySize() != 0) {
            return no(spec, what + " has no keys", "key_size 0");
        }
        if (spec.valueSize() > LARGEST_ELEMENT) {
            return no(spec, "its values are larger than 4 MiB", "smaller values");
        }
        return common(spec, allowedFlags).or(() -> size(spec, (long) spec.maxEntries() * stride(spec)));
    }

    private static Optional<MapCreation.Refused> bloom(MapSpec spec) {
        if ((spec.extra() & ~BloomFilter.HASHES_MASK) != 0) {
            return no(spec, "map_extra %d is no number of hashes".formatted(spec.extra()), "map_extra 1 to 15");
        }
        return keyless(spec, "a bloom filter", ACCESS_FLAGS | ZERO_SEED);
    }

    private static Optional<MapCreation.Refused> trie(MapSpec spec) {
        int bytes = spec.keySize() - Integer.BYTES;
        if (bytes < 1 || bytes > LARGEST_PREFIX) {
            return no(spec, "a key is a length of 4 bytes and 1 to 256 bytes, not " + spec.keySize(), "key_size 8");
        }
        if ((spec.flags() & MapSpec.NO_PREALLOC) == 0) {
            return no(spec, "a trie is not allocated beforehand", "map_flags BPF_F_NO_PREALLOC");
        }
        if (spec.valueSize() > LARGEST_ELEMENT) {
            return no(spec, "its values are larger than 4 MiB", "smaller values");
        }
        return common(spec, ACCESS_FLAGS | MapSpec.NO_PREALLOC)
                .or(() -> spec.maxEntries() > MapConstants.ELEMENTS_MAX
                        ? no(spec, "max_entries " + spec.maxEntries() + " is too large", "at most 500 000 000")
                        : size(spec, TrieNodes.regionSize(spec)));
    }

    private static Optional<MapCreation.Refused> traces(MapSpec spec) {
        if (spec.keySize() != Integer.BYTES) {
            return no(spec, "a stack trace has a 4-byte id, not " + spec.keySize(), "key_size 4");
        }
        if ((spec.flags() & STACK_BUILD_ID) != 0) {
            return no(spec, "traces of build ids are not available in user space", "--where kernel, or addresses");
        }
        int most = Math.min(MapConstants.TRACE_ADDRESSES_MAX, StackDepth.most());
        int size = spec.valueSize();
        if (size < Long.BYTES || size % Long.BYTES != 0 || size / Long.BYTES > most) {
            return no(spec, size + " bytes are not 1 to " + most + " addresses", "value_size " + most * Long.BYTES);
        }
        return common(spec, NUMA_NODE | RDONLY | WRONLY).or(() -> size(spec, StackTraceMap.regionSize(spec)));
    }

    private static Optional<MapCreation.Refused> storage(MapSpec spec) {
        if ((spec.flags() & ~CLONE) != MapSpec.NO_PREALLOC) {
            return no(
                    spec,
                    "map_flags 0x%x: storage is not allocated beforehand".formatted(spec.flags()),
                    "map_flags BPF_F_NO_PREALLOC");
        }
        if (spec.maxEntries() != 0) {
            return no(spec, "storage has no max_entries, as every task may have a value", "max_entries 0");
        }
        if (spec.keySize() != Integer.BYTES
                || spec.keyType().isEmpty()
                || spec.valueType().isEmpty()) {
            return no(spec, "storage of tasks needs a 4-byte key and the types of key and value", "__type(key, int)");
        }
        return spec.valueSize() <= 0 || spec.valueSize() > LARGEST_STORAGE
                ? no(
                        spec,
                        "a task's value has 1 to %d bytes, not %d".formatted(LARGEST_STORAGE, spec.valueSize()),
                        "smaller values")
                : Optional.empty();
    }

    private static Optional<MapCreation.Refused> groups(MapSpec spec) {
        if (spec.valueSize() != Integer.BYTES) {
            return no(spec, "a control group stands in it with 4 bytes, not " + spec.valueSize(), "value_size 4");
        }
        return (spec.flags() & (MapSpec.READ_ONLY_FOR_PROGRAMS | WRONLY_PROG)) != 0 ? flags(spec) : array(spec, 0);
    }

    /** A map of maps. */
    private static Optional<MapCreation.Refused> holder(MapSpec spec) {
        if (spec.inner().isEmpty()) {
            return no(spec, "nothing says what the maps in it are like", "__array(values, struct {…})");
        }
        if (spec.valueSize() != Integer.BYTES) {
            return no(spec, "a map stands in it with 4 bytes, not " + spec.valueSize(), "value_size 4");
        }
        if (spec.type() == MapType.ARRAY_OF_MAPS
                && (spec.flags() & (MapSpec.READ_ONLY_FOR_PROGRAMS | WRONLY_PROG)) != 0) {
            return flags(spec);
        }
        MapSpec inner = spec.inner().get();
        Optional<MapCreation.Refused> refused =
                spec.type() == MapType.ARRAY_OF_MAPS ? array(spec, 0) : hash(spec, MapSpec.NO_PREALLOC);
        return refused.or(() -> inner.type().isMemory()
                        ? Optional.empty()
                        : no(
                                spec,
                                "a map of type " + inner.type() + " cannot be in it",
                                "another type, or --where kernel"))
                .or(() -> inner.timer().isPresent()
                        ? no(spec, "maps whose values have a timer cannot be in it", "a map outside, or --where kernel")
                        : Optional.empty())
                .or(() -> refusal(inner));
    }

    /** Why a map cannot be in a map that holds maps like {@code template}. Code that was verified counts on the template. */
    static Optional<MapCreation.Refused> unlike(MapSpec spec, MapSpec template) {
        boolean sameEntries = spec.maxEntries() == template.maxEntries()
                || spec.type() != MapType.ARRAY
                || (template.flags() & INNER_MAP) != 0;
        return spec.isAlike(template) && sameEntries
                ? Optional.empty()
                : no(
                        spec,
                        "it is no %s with %d bytes of key, %d of value, %d entries and map_flags 0x%x, which it is to be put with"
                                .formatted(
                                        template.type(),
                                        template.keySize(),
                                        template.valueSize(),
                                        template.maxEntries(),
                                        template.flags()),
                        "the definition of the maps in it");
    }

    /** Bytes of the region of a map that may be in another. */
    static long regionBytes(MapSpec spec) {
        return switch (spec.type()) {
            case ARRAY -> ArrayMap.size(spec);
            case PERCPU_ARRAY -> PerCpuArrayMap.size(spec);
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH ->
                HashGeometry.of(spec).regionSize();
            case LPM_TRIE -> TrieNodes.size(spec);
            case QUEUE, STACK -> QueueMap.size(spec);
            case BLOOM_FILTER -> BloomFilter.size(spec);
            case STACK_TRACE -> Sysconf.wholePages(StackTraceMap.regionSize(spec));
            default -> throw new AssertionError(spec.type() + " in a map");
        };
    }

    private static Optional<MapCreation.Refused> ring(MapSpec spec) {
        if (spec.keySize() != 0 || spec.valueSize() != 0) {
            return no(spec, "a ring buffer has neither keys nor values", "key_size 0 and value_size 0");
        }
        int bytes = spec.maxEntries();
        if (bytes < MapConstants.PAGE || bytes > LARGEST_RING || Integer.bitCount(bytes) != 1) {
            return no(
                    spec,
                    Integer.toUnsignedString(bytes) + " bytes of ring are not a power of two from 4096 to 1 GiB",
                    "262144");
        }
        return (spec.flags() & ~NUMA_NODE) != 0 ? flags(spec) : Optional.empty();
    }

    private static Optional<MapCreation.Refused> buffers(MapSpec spec) {
        if (spec.maxEntries() < 0) {
            return no(
                    spec,
                    "max_entries is " + Integer.toUnsignedString(spec.maxEntries()),
                    "max_entries 0, which is one for each processor");
        }
        return (spec.flags() & ~(ACCESS_FLAGS | PRESERVE_ELEMENTS)) != 0 ? flags(spec) : Optional.empty();
    }

    private static Optional<MapCreation.Refused> arena(MapSpec spec) {
        if (spec.keySize() != 0 || spec.valueSize() != 0) {
            return no(spec, "an arena has neither keys nor values", "key_size 0 and value_size 0");
        }
        ArenaArea area = ArenaArea.of(spec);
        if (area.bytes() == 0 || area.bytes() > LARGEST_ARENA) {
            return no(spec, "an arena has 1 to 1048576 pages, which max_entries counts", "max_entries 1024");
        }
        long last = area.start() + area.bytes() - 1;
        if (area.start() % MapConstants.PAGE != 0 || area.start() >>> Integer.SIZE != last >>> Integer.SIZE) {
            return no(
                    spec,
                    "map_extra 0x%x begins no page, or leads across a multiple of 4 GiB".formatted(area.start()),
                    "no map_extra");
        }
        boolean possible = (spec.flags() & ~(MapSpec.MMAPABLE | SEGV_ON_FAULT | ArenaArea.NO_CONVERSION)) == 0
                && (spec.flags() & MapSpec.MMAPABLE) != 0;
        return possible ? Optional.empty() : flags(spec);
    }

    private static Optional<MapCreation.Refused> common(MapSpec spec, int allowedFlags) {
        if (spec.maxEntries() <= 0) {
            return no(spec, "max_entries is " + Integer.toUnsignedString(spec.maxEntries()), "a number from 1");
        }
        if (spec.valueSize() <= 0) {
            return no(spec, "value_size is " + Integer.toUnsignedString(spec.valueSize()), "a value type");
        }
        if (isPerCpu(spec) && spec.valueSize() > LARGEST_PER_CPU_VALUE) {
            return no(spec, "a per-CPU value has at most 32768 bytes, not " + spec.valueSize(), "smaller values");
        }
        int allowed = isPerCpu(spec) ? allowedFlags & ~NUMA_NODE : allowedFlags;
        return (spec.flags() & ~allowed) != 0 ? flags(spec) : Optional.empty();
    }

    private static Optional<MapCreation.Refused> size(MapSpec spec, long bytesOfOneCpu) {
        long entries = (long) spec.maxEntries() + MapConstants.HASH_LISTS_MAX;
        if (isPerCpu(spec) && entries * stride(spec) >= 1L << 31) {
            return no(spec, "one CPU's values take more than 2 GiB", "fewer entries or smaller values");
        }
        long bytes = isPerCpu(spec) ? bytesOfOneCpu * Sysconf.possibleCpus() : bytesOfOneCpu;
        return bytes > LARGEST_REGION
                ? no(spec, "it would take " + (bytes >> 20) + " MiB", "fewer entries or smaller values")
                : Optional.empty();
    }

    private static Optional<MapCreation.Refused> flags(MapSpec spec) {
        return no(
                spec,
                "map_flags 0x" + Integer.toHexString(spec.flags()) + " are not possible for " + spec.type(),
                spec.type() == MapType.ARENA ? "BPF_F_MMAPABLE" : "map_flags 0");
    }

    static boolean isPerCpu(MapSpec spec) {
        return spec.type().isPerProcessor();
    }

    /** Distance of values in memory. */
    static long stride(MapSpec spec) {
        return (spec.valueSize() + 7L) & -8;
    }

    private static Optional<MapCreation.Refused> no(MapSpec spec, String why, String suggestion) {
        return Optional.of(new MapCreation.Refused(spec, why, suggestion));
    }
}

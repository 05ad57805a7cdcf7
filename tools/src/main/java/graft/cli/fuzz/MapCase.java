package graft.cli.fuzz;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/**
 * A blueprint of a map, made from a seed: most can be created, some cannot.
 *
 * @param keys how many different keys are used
 */
record MapCase(long seed, MapSpec spec, int keys) {
    /** The types that have results which another map of the kernel would give as well. */
    static final List<MapType> TYPES = List.of(
            MapType.ARRAY,
            MapType.PERCPU_ARRAY,
            MapType.HASH,
            MapType.PERCPU_HASH,
            MapType.LRU_HASH,
            MapType.LRU_PERCPU_HASH,
            MapType.LPM_TRIE,
            MapType.QUEUE,
            MapType.STACK,
            MapType.BLOOM_FILTER,
            MapType.STACK_TRACE,
            MapType.TASK_STORAGE,
            MapType.ARRAY_OF_MAPS,
            MapType.HASH_OF_MAPS,
            MapType.PROG_ARRAY,
            MapType.RINGBUF,
            MapType.USER_RINGBUF,
            MapType.ARENA,
            MapType.CGROUP_ARRAY);

    /** Of the types that the kernel needs for some maps: an {@code int}, and bytes. */
    static final int KEY_TYPE = 1;

    static final int VALUE_TYPE = 2;

    private static final int LARGEST = 4096;
    private static final int PAGE = 4096;
    private static final int LARGEST_PREFIX = 256;
    private static final int NO_PREALLOC = 1;
    private static final int ZERO_SEED = 1 << 6;
    private static final int FLAG_BITS = 15;

    private static final int INNER_ENTRIES = 8;

    /** {@code BPF_F_RDONLY} and {@code BPF_F_WRONLY}: what may be done by one descriptor; {@code BPF_F_STACK_BUILD_ID}. */
    private static final int KERNELS_FLAGS = 7 << 3;

    private static final int UNFIT_OF_100 = 5;

    /** An LRU map of the kernel keeps elements for each processor and may drop some before it is full. */
    private static final int LRU_ROOM = 20;

    static MapCase of(MapType type, long seed) {
        Random random = new Random(seed * TYPES.size() + type.ordinal());
        int keySize = keySize(type, random);
        int valueSize = valueSize(type, random);
        int entries = 1 + random.nextInt(random.nextInt(4) == 0 ? 300 : 20);
        int keys = type.isLru() ? entries : entries + entries / 2 + 2;
        int room = switch (type) {
            case TASK_STORAGE -> 0;
            case LRU_HASH, LRU_PERCPU_HASH -> entries * LRU_ROOM + 1000;
            case RINGBUF, USER_RINGBUF -> PAGE << random.nextInt(4);
            default -> entries;
        };
        MapSpec fit = spec(type, new int[] {keySize, valueSize, room}, random);
        return new MapCase(seed, random.nextInt(100) < UNFIT_OF_100 ? unfit(fit, random) : fit, keys);
    }

    private static int keySize(MapType type, Random random) {
        return switch (type) {
            case ARRAY, PERCPU_ARRAY, STACK_TRACE, ARRAY_OF_MAPS, TASK_STORAGE, PROG_ARRAY, CGROUP_ARRAY ->
                Integer.BYTES;
            case QUEUE, STACK, BLOOM_FILTER, RINGBUF, USER_RINGBUF, ARENA -> 0;
            case LPM_TRIE -> Integer.BYTES + 1 + random.nextInt(random.nextInt(4) == 0 ? LARGEST_PREFIX : 4);
            default -> size(random); // hashes
        };
    }

    private static int valueSize(MapType type, Random random) {
        return switch (type) {
            case STACK_TRACE -> Long.BYTES * (1 + random.nextInt(127));
            case ARRAY_OF_MAPS, HASH_OF_MAPS, PROG_ARRAY, CGROUP_ARRAY -> Integer.BYTES;
            case RINGBUF, USER_RINGBUF, ARENA -> 0;
            default -> size(random);
        };
    }

    /** Those that registers hold, any small one, and any up to the largest. */
    private static int size(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> Integer.BYTES;
            case 1 -> Long.BYTES;
            case 2 -> 1 + random.nextInt(64);
            default -> 1 + random.nextInt(random.nextInt(8) == 0 ? LARGEST : 256);
        };
    }

    private static MapSpec spec(MapType type, int[] sizes, Random random) {
        int flags = switch (type) {
            case HASH, PERCPU_HASH, HASH_OF_MAPS -> random.nextInt(2) * NO_PREALLOC | random.nextInt(2) * ZERO_SEED;
            case LPM_TRIE, TASK_STORAGE -> NO_PREALLOC;
            case LRU_HASH, LRU_PERCPU_HASH -> random.nextInt(2) * ZERO_SEED;
            case ARENA -> MapSpec.MMAPABLE;
            default -> 0; // none that changes results
        };
        long extra = type == MapType.BLOOM_FILTER ? random.nextInt(16) : 0;
        Optional<MapSpec> inner = type.holdsMaps() ? Optional.of(inner(random)) : Optional.empty();
        return with(type, sizes, flags, extra, inner);
    }

    /** With one number that may not fit. */
    private static MapSpec unfit(MapSpec fit, Random random) {
        int[] sizes = {fit.keySize(), fit.valueSize(), fit.maxEntries()};
        return switch (random.nextInt(3)) {
            case 0 -> {
                sizes[random.nextInt(sizes.length)] = 0;
                yield with(fit.type(), sizes, fit.flags(), fit.extra(), fit.inner());
            }
            case 1 -> {
                sizes[0] = 1 + random.nextInt(8);
                yield with(fit.type(), sizes, fit.flags(), fit.extra(), fit.inner());
            }
            default ->
                with(
                        fit.type(),
                        sizes,
                        fit.flags() ^ 1 << random.nextInt(FLAG_BITS) & ~KERNELS_FLAGS,
                        fit.extra(),
                        fit.inner());
        };
    }

    /** What the maps in a map of maps are like; not a LRU hash, whose size would have to be much larger than its keys are many. */
    private static MapSpec inner(Random random) {
        List<MapType> types =
                TYPES.stream().filter(type -> type.isMemory() && !type.isLru()).toList();
        MapType type = types.get(random.nextInt(types.size()));
        int entries = 1 + random.nextInt(INNER_ENTRIES);
        return spec(type, new int[] {keySize(type, random), valueSize(type, random), entries}, random);
    }

    private static MapSpec with(MapType type, int[] sizes, int flags, long extra, Optional<MapSpec> inner) {
        return new MapSpec.Builder("fuzzed", type)
                .sizes(sizes[0], sizes[1], sizes[2])
                .flags(flags)
                .types(
                        type == MapType.TASK_STORAGE ? OptionalInt.of(KEY_TYPE) : OptionalInt.empty(),
                        type == MapType.TASK_STORAGE ? OptionalInt.of(VALUE_TYPE) : OptionalInt.empty())
                .inner(inner)
                .extra(extra)
                .build();
    }
}

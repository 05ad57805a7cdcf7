package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Many elements of a map in one operation: {@code BPF_MAP_LOOKUP_BATCH} and its like, for the types and with the results that the
 * kernel has. None is atomic as a whole; each element is.
 */
public final class MapBatches {
    private final KeyedMap map;
    private final MapSpec spec;

    /** Of a map that stays the caller's. */
    public MapBatches(KeyedMap map) {
        this.map = map;
        this.spec = map.spec();
    }

    /**
     * What came of an operation that changes elements.
     *
     * @param result 0, or the negated errno of the element behind the last one that was changed: {@code ENOTSUPP} when the type
     *     has no such operation
     * @param count elements that were changed
     */
    public record Changed(int result, int count) {}

    /**
     * What was found.
     *
     * @param result 0; {@code -ENOENT} when these are the last ones; {@code -ENOSPC} when a hash has more elements in one place
     *     than were asked for: ask for more; {@code -ENOTSUPP} when the type has no such operation
     * @param values one for each key
     * @param next where the following ones begin; means something to the same map only
     */
    public record Found(int result, List<byte[]> keys, List<byte[]> values, Optional<byte[]> next) {
        private static Found nothing(int result) {
            return new Found(result, List.of(), List.of(), Optional.empty());
        }
    }

    /**
     * Up to {@code count} elements from the first one on, or from where an earlier batch ended.
     *
     * @param from what an earlier batch gave as next
     */
    public Found lookup(Optional<byte[]> from, int count) {
        return switch (spec.type()) {
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS -> buckets(from, count, Take.COPY);
            case ARRAY, PERCPU_ARRAY, LPM_TRIE, ARRAY_OF_MAPS -> keys(from, count);
            default -> Found.nothing(-Errno.ENOTSUPP);
        };
    }

    /** The same for a hash, whose elements are taken out. */
    public Found lookupAndDelete(Optional<byte[]> from, int count) {
        if (map.isFrozen()) {
            return Found.nothing(-Errno.EPERM);
        }
        return isHash(spec.type()) ? buckets(from, count, Take.OUT) : Found.nothing(-Errno.ENOTSUPP);
    }

    /**
     * Sets one value after another, up to the first that is refused.
     *
     * @param values one for each key, as {@link KeyedMap#update} takes it
     */
    public Changed update(List<byte[]> keys, List<byte[]> values) {
        if (keys.size() != values.size()) {
            throw new IllegalArgumentException(keys.size() + " keys and " + values.size() + " values");
        }
        boolean possible = isHash(spec.type())
                || switch (spec.type()) {
                    case ARRAY, PERCPU_ARRAY, LPM_TRIE, ARRAY_OF_MAPS -> true;
                    default -> false; // not in the kernel
                };
        return changed(possible, keys.size(), index -> map.update(keys.get(index), values.get(index), KeyedMap.ANY));
    }

    /** Removes one key after another, up to the first that is not there. */
    public Changed delete(List<byte[]> keys) {
        boolean possible = isHash(spec.type()) || spec.type() == MapType.LPM_TRIE;
        return changed(possible, keys.size(), index -> map.delete(keys.get(index)));
    }

    private static boolean isHash(MapType type) {
        return switch (type) {
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS -> true;
            default -> false; // its elements are in no buckets
        };
    }

    private Changed changed(boolean possible, int count, java.util.function.IntUnaryOperator change) {
        if (map.isFrozen()) {
            return new Changed(-Errno.EPERM, 0);
        }
        if (!possible) {
            return new Changed(-Errno.ENOTSUPP, 0);
        }
        for (int index = 0; index < count; index++) {
            int result = change.applyAsInt(index);
            if (result != 0) {
                return new Changed(result, index);
            }
        }
        return new Changed(0, count);
    }

    /** By next keys; where to go on is the last key. Keys without a value are passed over. */
    private Found keys(Optional<byte[]> from, int count) {
        List<byte[]> keys = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        Optional<byte[]> last = from;
        while (keys.size() < count) {
            Optional<byte[]> key = last.isEmpty() ? map.firstKey() : map.nextKey(last.get());
            if (key.isEmpty()) {
                return new Found(-Errno.ENOENT, keys, values, keys.isEmpty() ? Optional.empty() : last);
            }
            Optional<byte[]> value = map.lookup(key.get());
            if (value.isPresent()) {
                keys.add(key.get());
                values.add(value.get());
            }
            last = key;
        }
        return new Found(0, keys, values, last);
    }

    private enum Take {
        COPY,
        OUT
    }

    /** By buckets, each as a whole; where to go on is the number of one. */
    private Found buckets(Optional<byte[]> from, int count, Take take) {
        HashCore hash = HashCore.of(map);
        List<byte[]> keys = new ArrayList<>();
        List<byte[]> values = new ArrayList<>();
        if (count == 0) {
            return Found.nothing(0);
        }
        int bucket = from.map(place -> MapBytes.intAt(place, 0)).orElse(0);
        if (bucket < 0 || bucket >= hash.geometry().buckets()) {
            return Found.nothing(-Errno.ENOENT);
        }
        for (; bucket < hash.geometry().buckets(); bucket++) {
            List<byte[]> here = hash.keysOf(bucket);
            if (here.size() > count - keys.size()) {
                return new Found(keys.isEmpty() ? -Errno.ENOSPC : 0, keys, values, place(bucket));
            }
            for (byte[] key : here) {
                int result = take == Take.OUT ? taken(key, keys, values) : copied(key, keys, values);
                if (result != 0) {
                    return new Found(result, keys, values, place(bucket));
                }
            }
        }
        return new Found(-Errno.ENOENT, keys, values, place(bucket));
    }

    private static Optional<byte[]> place(int bucket) {
        return Optional.of(MapBytes.ofInt(bucket));
    }

    private int copied(byte[] key, List<byte[]> keys, List<byte[]> values) {
        map.lookup(key).ifPresent(value -> {
            keys.add(key);
            values.add(value);
        });
        return 0;
    }

    /** 0 too when somebody else was first. */
    private int taken(byte[] key, List<byte[]> keys, List<byte[]> values) {
        byte[] value = new byte[map.valueBytes()];
        int result = switch (map) {
            case HashTable table -> table.lookupAndDelete(key, value);
            case MapOfMaps maps -> maps.lookupAndDelete(key, value);
            case IndexedMap _, LpmTrie _, StackTraceMap _, CgroupArray _ ->
                throw new AssertionError(spec.type() + " has no buckets");
        };
        if (result == 0) {
            keys.add(key);
            values.add(value);
        }
        return result == -Errno.ENOENT ? 0 : result;
    }
}

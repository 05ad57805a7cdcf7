package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.linux.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** What both kinds of hash do. Owns the region. */
final class HashCore implements AutoCloseable {
    /** Programs may change a value through a pointer all the time; it is then taken as it is. */
    private static final int SETTLING_READS = 8;

    private final HashElements elements;
    private final HashValues values;
    private final HashChanges changes;

    HashCore(MapSpec spec, MapMemory memory) {
        this.elements = HashElements.create(spec, memory);
        this.values = new HashValues(spec, elements.region, elements.geometry);
        this.changes = new HashChanges(elements, values);
        timers().ifPresent(TimerArea::write);
    }

    MapRegion region() {
        return elements.region;
    }

    /** What says which timers were started, in a map that has them. */
    Optional<TimerArea> timers() {
        HashGeometry geometry = elements.geometry;
        if (elements.spec.timer().isEmpty()) {
            return Optional.empty();
        }
        int offset = elements.spec.timer().getAsInt();
        return Optional.of(new TimerArea(
                elements.region,
                values.inElement(0) + offset,
                geometry.elementSize(),
                geometry.capacity(),
                geometry.timersOffset()));
    }

    /** Where the value of a key is in the region, for a program; nowhere when there is none. */
    OptionalLong place(byte[] key) {
        int element = elements.lookup(key);
        if (element == HashElements.NONE) {
            return OptionalLong.empty();
        }
        elements.setUsed(element, (byte) 1);
        return OptionalLong.of(values.inElement(element));
    }

    byte[] keyOf(int element) {
        return elements.keyOf(element);
    }

    long valueOf(int element) {
        return values.inElement(element);
    }

    HashGeometry geometry() {
        return elements.geometry;
    }

    int valueBytes() {
        return values.bytes();
    }

    byte[] describe(long base) {
        HashGeometry geometry = elements.geometry;
        return MapRegion.descriptor(
                elements.spec,
                new MapRegion.Addresses(base, base + geometry.elementsOffset()),
                new MapRegion.Strides(geometry.stride(), geometry.cpuStride(), geometry.cpus()));
    }

    /** The value, read again when its element was moved away meanwhile: it may have been another key's, or half written. */
    Optional<byte[]> lookup(byte[] key) {
        MapBytes.requireSize(key, elements.spec.keySize(), "the key");
        for (int reads = 0; reads < HashElements.MAX_WALKS; reads++) {
            int element = elements.lookup(key);
            if (element == HashElements.NONE) {
                return Optional.empty();
            }
            byte[] value = values.read(element);
            if (elements.lookup(key) == element && (reads >= SETTLING_READS || isSettled(element, value))) {
                return Optional.of(value);
            }
        }
        throw elements.damaged(elements.bucketOf(elements.hash(key)));
    }

    /** An element may be filled again and come back between two looks, but not with the same mixture in it. */
    private boolean isSettled(int element, byte[] value) {
        return values.changeInPlace() || Arrays.equals(value, values.read(element));
    }

    /** The value as it is under its lock. */
    Optional<byte[]> lookupLocked(byte[] key) {
        ValueLock lock = values.lock().orElseThrow();
        for (int reads = 0; reads < HashElements.MAX_WALKS; reads++) {
            int element = elements.lookup(key);
            if (element == HashElements.NONE) {
                return Optional.empty();
            }
            byte[] value = lock.during(values.inElement(element), () -> values.read(element));
            if (elements.lookup(key) == element) {
                return Optional.of(value);
            }
        }
        throw elements.damaged(elements.bucketOf(elements.hash(key)));
    }

    /** With {@code BPF_F_LOCK} a key that is there keeps its element; no bucket's lock is held while that one's is waited for. */
    private int updateLocked(byte[] key, byte[] value, long flags) {
        ValueLock lock = values.lock().orElseThrow();
        for (int tries = 0; tries < HashElements.MAX_WALKS; tries++) {
            int element = elements.lookup(key);
            if (element == HashElements.NONE) {
                int result = flags == KeyedMap.EXIST ? -Errno.ENOENT : changes.update(key, value, KeyedMap.NOEXIST);
                if (result != -Errno.EEXIST || flags == KeyedMap.NOEXIST) {
                    return result;
                }
            } else if (flags == KeyedMap.NOEXIST) {
                return -Errno.EEXIST;
            } else if (lock.during(values.inElement(element), () -> isStill(element, key, value))) {
                return 0;
            }
        }
        return -Errno.EBUSY;
    }

    private boolean isStill(int element, byte[] key, byte[] value) {
        boolean still = Arrays.equals(elements.keyOf(element), key);
        if (still) {
            values.write(element, value);
        }
        return still;
    }

    int update(byte[] key, byte[] value, long flags) {
        MapBytes.requireSize(key, elements.spec.keySize(), "the key");
        MapBytes.requireSize(value, values.bytes(), "the value");
        if ((flags & ValueLock.FLAG) != 0) {
            boolean possible = values.lock().isPresent() && (flags & ~ValueLock.FLAG) <= KeyedMap.EXIST && flags > 0;
            return possible ? updateLocked(key, value, flags & ~ValueLock.FLAG) : -Errno.EINVAL;
        }
        return changes.update(key, value, flags);
    }

    int delete(byte[] key) {
        MapBytes.requireSize(key, elements.spec.keySize(), "the key");
        return changes.delete(key, _ -> true);
    }

    int lookupAndDelete(byte[] key, byte[] value) {
        MapBytes.requireSize(key, elements.spec.keySize(), "the key");
        MapBytes.requireSize(value, values.bytes(), "the value");
        return changes.delete(key, last -> {
            System.arraycopy(values.read(last), 0, value, 0, value.length);
            return true;
        });
    }

    /** Removes {@code key} if its value is still one that may go; otherwise it is as if there were none. */
    int deleteIf(byte[] key, Predicate<byte[]> goes) {
        MapBytes.requireSize(key, elements.spec.keySize(), "the key");
        return changes.delete(key, element -> goes.test(values.read(element)));
    }

    Optional<byte[]> firstKey() {
        return firstFrom(0);
    }

    /** Again when an element was moved under the walk: what comes behind it would be passed over otherwise. */
    Optional<byte[]> nextKey(byte[] key) {
        MapBytes.requireSize(key, elements.spec.keySize(), "the key");
        int bucket = elements.bucketOf(elements.hash(key));
        for (int walks = 0; walks < HashElements.MAX_WALKS; walks++) {
            int element = elements.lookup(key);
            if (element == HashElements.NONE) {
                return firstKey();
            }
            int next = elements.region.getAcquire(elements.elementAt(element) + ElementLayout.NEXT);
            Optional<byte[]> after = elements.isElement(next) ? Optional.of(elements.keyOf(next)) : Optional.empty();
            boolean inBucket = after.map(found -> elements.bucketOf(elements.hash(found)) == bucket)
                    .orElse(next == HashElements.endOf(bucket));
            if (inBucket && elements.lookup(key) == element) {
                return after.isPresent() ? after : firstFrom(bucket + 1);
            }
        }
        throw elements.damaged(bucket);
    }

    private Optional<byte[]> firstFrom(int bucket) {
        for (int i = bucket; i < elements.geometry.buckets(); i++) {
            Optional<byte[]> first = firstIn(i);
            if (first.isPresent()) {
                return first;
            }
        }
        return Optional.empty();
    }

    /** Again when the element was moved meanwhile: the key may be another bucket's, and the walk would go on behind that. */
    private Optional<byte[]> firstIn(int bucket) {
        for (int reads = 0; reads < HashElements.MAX_WALKS; reads++) {
            int head = elements.region.getAcquire(elements.bucketAt(bucket) + BucketLayout.HEAD);
            if (!elements.isElement(head)) {
                return Optional.empty();
            }
            byte[] key = elements.keyOf(head);
            if (elements.bucketOf(elements.hash(key)) == bucket) {
                return Optional.of(key);
            }
        }
        throw elements.damaged(bucket);
    }

    /** The hash of a map whose elements are in buckets. */
    static HashCore of(KeyedMap map) {
        return switch (map) {
            case HashTable table -> table.core;
            case MapOfMaps maps -> of(maps.numbers());
            case IndexedMap _, LpmTrie _, StackTraceMap _, CgroupArray _ ->
                throw new AssertionError(map.spec().type() + " has no buckets");
        };
    }

    List<byte[]> keysOf(int bucket) {
        List<byte[]> keys = new ArrayList<>();
        addKeys(bucket, keys);
        return keys;
    }

    List<byte[]> keys() {
        List<byte[]> keys = new ArrayList<>();
        for (int bucket = 0; bucket < elements.geometry.buckets(); bucket++) {
            addKeys(bucket, keys);
        }
        return keys;
    }

    /** Starts again when an element was moved away under the walk. */
    private void addKeys(int bucket, List<byte[]> keys) {
        int before = keys.size();
        for (int walks = 0; walks < HashElements.MAX_WALKS; ) {
            HashElements.Found end = addChain(bucket, keys);
            if (end.index() == HashElements.endOf(bucket)) {
                return;
            }
            keys.subList(before, keys.size()).clear();
            walks += HashElements.cost(end);
            Thread.yield();
        }
        throw elements.damaged(bucket);
    }

    private HashElements.Found addChain(int bucket, List<byte[]> keys) {
        return elements.walk(elements.bucketAt(bucket) + BucketLayout.HEAD, index -> {
            keys.add(elements.keyOf(index));
            return false;
        });
    }

    List<HashTable.Entry> entries() {
        List<HashTable.Entry> entries = new ArrayList<>();
        for (byte[] key : keys()) {
            lookup(key).ifPresent(value -> entries.add(new HashTable.Entry(key, values.split(value))));
        }
        return entries;
    }

    int count() {
        int count = 0;
        for (int bucket = 0; bucket < elements.geometry.buckets(); bucket++) {
            List<byte[]> keys = new ArrayList<>();
            addKeys(bucket, keys);
            count += keys.size();
        }
        return count;
    }

    Set<Integer> lockHolders() {
        Set<Integer> holders = new TreeSet<>();
        for (int bucket = 0; bucket < elements.geometry.buckets(); bucket++) {
            holders.add(LockWord.holder(elements.region, elements.bucketAt(bucket) + BucketLayout.LOCK));
        }
        holders.remove(0);
        return holders;
    }

    int releaseLocksOf(int deadTgid) {
        return new HashRecovery(elements, values).releaseLocksOf(deadTgid);
    }

    @Override
    public void close() {
        elements.region.close();
    }
}

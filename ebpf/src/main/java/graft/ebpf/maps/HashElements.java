package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntPredicate;

/** Buckets and chains of a hash, as the agent's C sees them. Lookups take no lock. */
final class HashElements {
    static final int NONE = -1;
    static final int MAX_WALKS = 1000;
    private static final int ZERO_SEED = 1 << 6;

    /** Buckets keep nothing when the lists hold less than this part of a map. */
    private static final int KEPT_PART = 8;

    final MapRegion region;
    final HashGeometry geometry;
    final MapSpec spec;
    private final long seed;

    private HashElements(MapSpec spec, MapRegion region, HashGeometry geometry, long seed) {
        this.spec = spec;
        this.region = region;
        this.geometry = geometry;
        this.seed = seed;
    }

    static HashElements create(MapSpec spec, MapMemory memory) {
        HashGeometry geometry = HashGeometry.of(spec);
        MapRegion region = memory.region(spec, geometry.regionSize());
        if (region.past() == MapRegion.Past.USED) {
            return new HashElements(spec, region, geometry, region.getLong(HashLayout.SEED));
        }
        long seed = (spec.flags() & ZERO_SEED) != 0
                ? 0
                : ThreadLocalRandom.current().nextLong();
        HashElements elements = new HashElements(spec, region, geometry, seed);
        elements.writeHeader();
        return elements;
    }

    private void writeHeader() {
        region.set(HashLayout.ABI, MapConstants.ABI);
        region.set(HashLayout.TYPE, spec.type().number());
        region.set(HashLayout.KEY_SIZE, spec.keySize());
        region.set(HashLayout.VALUE_SIZE, spec.valueSize());
        region.set(HashLayout.MAX_ENTRIES, spec.maxEntries());
        region.set(HashLayout.BUCKET_MASK, geometry.buckets() - 1);
        region.set(HashLayout.ELEMENT_SIZE, geometry.elementSize());
        region.set(HashLayout.VALUE_OFFSET, geometry.valueOffset());
        region.set(HashLayout.CAPACITY, geometry.capacity());
        region.set(HashLayout.CPUS, geometry.cpus());
        region.setLong(HashLayout.SEED, seed);
        region.setLong(HashLayout.ELEMENTS_OFFSET, geometry.elementsOffset());
        region.setLong(HashLayout.VALUES_OFFSET, geometry.valuesOffset());
        region.set(HashLayout.STRIDE, geometry.stride());
        region.set(HashLayout.CPU_STRIDE, geometry.cpuStride());
        region.set(HashLayout.USED_OFFSET, geometry.usedOffset());
        region.set(HashLayout.LISTS, geometry.lists());
        region.set(HashLayout.KEEP_ABOVE, spec.maxEntries() / KEPT_PART / geometry.lists());
        new HashLists(this).writeLists();
        for (int bucket = 0; bucket < geometry.buckets(); bucket++) {
            region.set(bucketAt(bucket) + BucketLayout.HEAD, endOf(bucket));
        }
    }

    static int endOf(int bucket) {
        return MapConstants.HASH_END | bucket;
    }

    long bucketAt(int bucket) {
        return HashLayout.SIZE + (long) bucket * BucketLayout.SIZE;
    }

    int bucketOf(int code) {
        return code & (geometry.buckets() - 1);
    }

    long elementAt(int element) {
        return geometry.elementsOffset() + (long) element * geometry.elementSize();
    }

    boolean isElement(int index) {
        return index >= 0 && index < geometry.capacity();
    }

    byte[] keyOf(int element) {
        byte[] key = new byte[spec.keySize()];
        java.lang.foreign.MemorySegment.copy(
                region.memory(),
                java.lang.foreign.ValueLayout.JAVA_BYTE,
                elementAt(element) + ElementLayout.SIZE,
                key,
                0,
                key.length);
        return key;
    }

    /** The agent's {@code hash_of}. */
    int hash(byte[] key) {
        return (int) hash(seed, key);
    }

    /** All bits of the hash of {@code key}. */
    static long hash(long seed, byte[] key) {
        long h = seed;
        int at = 0;
        for (; at + Long.BYTES <= key.length; at += Long.BYTES) {
            h = mix(h, MapBytes.longAt(key, at));
        }
        if (at < key.length) {
            long word = 0;
            for (int i = 0; at + i < key.length; i++) {
                word |= (key[at + i] & 0xffL) << 8 * i;
            }
            h = mix(h, word);
        }
        return h;
    }

    private static long mix(long h, long word) {
        long mixed = (h ^ word) * MapConstants.HASH_FACTOR;
        return mixed ^ mixed >>> 32;
    }

    /**
     * Where a walk along a chain ended.
     *
     * @param link offset of the word that points to {@code index}
     * @param index the element with the key, or the mark that ended the chain
     */
    record Found(long link, int index) {}

    /** Walks from the word at {@code link} to the element with the key. */
    Found find(long link, byte[] key, int code) {
        return walk(link, index -> isKey(index, key, code));
    }

    /**
     * Walks from the word at {@code link} to the first wanted element. A chain that was moved under the walk, or written
     * over, may have no end: after as many steps as there are elements, the mark is {@link #NONE}.
     */
    Found walk(long link, IntPredicate wanted) {
        long at = link;
        int index = region.getAcquire(at);
        for (int steps = 0; isElement(index); steps++) {
            if (steps == geometry.capacity()) {
                return new Found(at, NONE);
            }
            if (wanted.test(index)) {
                break;
            }
            at = elementAt(index) + ElementLayout.NEXT;
            index = region.getAcquire(at);
        }
        return new Found(at, index);
    }

    private boolean isKey(int index, byte[] key, int code) {
        long element = elementAt(index);
        if (region.get(element + ElementLayout.HASH) != code) {
            return false;
        }
        long from = element + ElementLayout.SIZE;
        return java.lang.foreign.MemorySegment.mismatch(
                        region.memory(),
                        from,
                        from + key.length,
                        java.lang.foreign.MemorySegment.ofArray(key),
                        0,
                        key.length)
                == -1;
    }

    /** The element with the key, or {@link #NONE}; takes no lock, and starts again when an element moved under it. */
    int lookup(byte[] key) {
        int code = hash(key);
        int bucket = bucketOf(code);
        for (int walks = 0; walks < MAX_WALKS; ) {
            Found found = find(bucketAt(bucket) + BucketLayout.HEAD, key, code);
            if (isElement(found.index())) {
                return found.index();
            }
            if (found.index() == endOf(bucket)) {
                return NONE;
            }
            walks += cost(found);
            Thread.yield();
        }
        throw damaged(bucket);
    }

    /**
     * How many walks one that did not find the chain's end counts for: a ring of elements is hardly ever a move, and a
     * number beyond the elements never is.
     */
    static int cost(Found found) {
        return found.index() >= NONE ? MAX_WALKS / 2 : 1;
    }

    /** Under the bucket's lock a chain ends in its own mark. @throws DamagedMapException when it does not */
    void requireEnd(int bucket, Found found) {
        if (found.index() != endOf(bucket)) {
            throw damaged(bucket);
        }
    }

    /** An element is moved away under a walk now and then, never {@link #MAX_WALKS} times in a row. */
    DamagedMapException damaged(int bucket) {
        return new DamagedMapException(
                spec, "the chain of bucket " + bucket + " does not end; a process that maps it has written over it");
    }

    /** The element that {@code bucket} keeps for the next key, or {@link #NONE}. */
    int keptBy(int bucket) {
        int pending = region.getAcquire(bucketAt(bucket) + BucketLayout.PENDING);
        return isElement(pending - 1) ? pending - 1 : NONE;
    }

    /** Leaves an element with a bucket whose lock is held. */
    void keep(int bucket, int element) {
        if (region.getAcquire(HashLayout.KEEPING) == 0) {
            region.set(HashLayout.KEEPING, 1);
        }
        setPending(bucket, element + 1);
    }

    /** What the holder of the bucket's lock is about to do. */
    void setPending(int bucket, int pending) {
        region.setRelease(bucketAt(bucket) + BucketLayout.PENDING, pending);
    }

    /** Links an element in front of its bucket's chain; the bucket's lock is held. */
    void link(int bucket, int element) {
        long head = bucketAt(bucket) + BucketLayout.HEAD;
        region.set(elementAt(element) + ElementLayout.NEXT, region.get(head));
        region.setRelease(head, element);
    }

    /** Whether the element of an LRU hash was looked up or replaced since the hand passed it. */
    boolean isUsed(int element) {
        return region.getByte(elementAt(element) + geometry.usedOffset()) != 0;
    }

    void setUsed(int element, byte used) {
        if (geometry.usedOffset() != 0) {
            region.setByte(elementAt(element) + geometry.usedOffset(), used);
        }
    }

    /** Takes the element that {@code link} points to out of its chain; the bucket's lock is held. */
    void unlink(Found found) {
        region.setRelease(found.link(), region.get(elementAt(found.index()) + ElementLayout.NEXT));
    }
}

package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.BloomLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Errno;
import graft.platform.linux.Sysconf;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Says of a value that it was never added, or that it was added for all that is known (B. H. Bloom, CACM 13/7, 1970). As large
 * as the kernel's: 7/5 bits for each of {@code max_entries} times the number of hashes, rounded up to a power of two.
 */
public final class BloomFilter extends RegionMap {
    /** The number of hashes in {@code map_extra}; without one it is {@link #DEFAULT_HASHES}. */
    static final long HASHES_MASK = 0xf;

    private static final int DEFAULT_HASHES = 5;
    private static final long MOST_BITS = 1L << 32;
    private static final int ZERO_SEED = 1 << 6;

    private final int hashes;
    private final long bits;
    private final long seed;

    private BloomFilter(MapSpec spec, MapMemory memory) {
        super(spec, memory.region(spec, size(spec)));
        this.hashes = hashes(spec);
        this.bits = bits(spec);
        this.seed = seed(spec, region);
        region.set(BloomLayout.ABI, MapConstants.ABI);
        region.set(BloomLayout.TYPE, spec.type().number());
        region.set(BloomLayout.VALUE_SIZE, spec.valueSize());
        region.set(BloomLayout.HASHES, hashes);
        region.set(BloomLayout.MASK, (int) (bits - 1));
        region.setLong(BloomLayout.SEED, seed);
    }

    static BloomFilter create(MapSpec spec, MapMemory memory) {
        return new BloomFilter(spec, memory);
    }

    private static int hashes(MapSpec spec) {
        return spec.extra() == 0 ? DEFAULT_HASHES : (int) spec.extra();
    }

    private static long bits(MapSpec spec) {
        long wanted = (long) spec.maxEntries() * hashes(spec) * 7 / 5;
        return Math.clamp(Long.highestOneBit(Math.max(wanted, 1) * 2 - 1), Long.SIZE, MOST_BITS);
    }

    /** Bytes of the region. */
    static long size(MapSpec spec) {
        return Sysconf.wholePages(MapConstants.BLOOM_BITS_OFFSET + bits(spec) / Byte.SIZE);
    }

    /** Forgets all values. */
    void clear() {
        region.memory().asSlice(MapConstants.BLOOM_BITS_OFFSET).fill((byte) 0);
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + MapConstants.BLOOM_BITS_OFFSET;
    }

    private static long seed(MapSpec spec, MapRegion region) {
        if (region.past() == MapRegion.Past.USED) {
            return region.getLong(BloomLayout.SEED);
        }
        return (spec.flags() & ZERO_SEED) != 0 ? 0 : ThreadLocalRandom.current().nextLong();
    }

    /** Bits of the filter. */
    public long bits() {
        return bits;
    }

    /** {@code bpf_map_push_elem}: 0, or {@code -EINVAL} for flags. */
    public int add(byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        MapBytes.requireSize(value, spec.valueSize(), "the value");
        if (flags != KeyedMap.ANY) {
            return -Errno.EINVAL;
        }
        long hash = HashElements.hash(seed, value);
        for (int i = 0; i < hashes; i++) {
            long bit = bit(hash, i);
            region.getAndOrLong(word(bit), 1L << bit);
        }
        return 0;
    }

    /** {@code bpf_map_peek_elem}: false when the value was never added. */
    public boolean mayContain(byte[] value) {
        MapBytes.requireSize(value, spec.valueSize(), "the value");
        long hash = HashElements.hash(seed, value);
        for (int i = 0; i < hashes; i++) {
            long bit = bit(hash, i);
            if ((region.getLongAcquire(word(bit)) >>> bit & 1) == 0) {
                return false;
            }
        }
        return true;
    }

    private long bit(long hash, int i) {
        int distance = (int) (hash >>> Integer.SIZE) | 1;
        return ((int) hash + i * distance) & bits - 1;
    }

    private static long word(long bit) {
        return MapConstants.BLOOM_BITS_OFFSET + bit / Long.SIZE * Long.BYTES;
    }

    /** Nothing is ever locked. */
    @Override
    public int releaseLocksOf(int deadTgid) {
        return 0;
    }
}

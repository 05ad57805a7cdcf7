package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.TrieLayout;
import graft.platform.layout.TrieNodeLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * The nodes of a trie in its region, changed with the agent's order of stores. Nodes have names from 1 on; 0 is none. All but
 * {@link #locked} and {@link #changed} wants the lock.
 */
final class TrieNodes {
    static final long OFFSET = MapConstants.TRIE_NODES_OFFSET;
    private static final int NONE = 0;
    private static final int LENGTH_BYTES = Integer.BYTES;

    private final MapSpec spec;
    private final MapRegion region;
    private final int capacity;
    private final int nodeSize;
    private final int valueOffset;

    private TrieNodes(MapSpec spec, MapMemory memory) {
        this.spec = spec;
        this.capacity = capacity(spec);
        this.valueOffset = valueOffset(spec);
        this.nodeSize = nodeSize(spec);
        this.region = memory.region(spec, size(spec));
        region.set(TrieLayout.ABI, MapConstants.ABI);
        region.set(TrieLayout.TYPE, spec.type().number());
        region.set(TrieLayout.KEY_SIZE, spec.keySize());
        region.set(TrieLayout.VALUE_SIZE, spec.valueSize());
        region.set(TrieLayout.MAX_ENTRIES, spec.maxEntries());
        region.set(TrieLayout.CAPACITY, capacity);
        region.set(TrieLayout.NODE_SIZE, nodeSize);
        region.set(TrieLayout.VALUE_OFFSET, valueOffset);
    }

    static TrieNodes create(MapSpec spec, MapMemory memory) {
        return new TrieNodes(spec, memory);
    }

    private static int valueOffset(MapSpec spec) {
        return (int) HashGeometry.align(TrieNodeLayout.SIZE + spec.keySize() - LENGTH_BYTES, Long.BYTES);
    }

    private static int nodeSize(MapSpec spec) {
        return valueOffset(spec) + (int) MapRules.stride(spec);
    }

    /** Bytes of the region. */
    static long size(MapSpec spec) {
        return Sysconf.wholePages(OFFSET + (long) capacity(spec) * nodeSize(spec));
    }

    /** A node for each value, one less between them, and one for a value that replaces another. */
    private static int capacity(MapSpec spec) {
        return 2 * spec.maxEntries() + 1;
    }

    /** About how many bytes the region takes. */
    static long regionSize(MapSpec spec) {
        return (2L * spec.maxEntries() + 1) * (TrieNodeLayout.SIZE + 16L + spec.keySize() + spec.valueSize());
    }

    MapRegion region() {
        return region;
    }

    int mostBits() {
        return (spec.keySize() - LENGTH_BYTES) * Byte.SIZE;
    }

    /** The length of a key's prefix; one that is too long is larger than {@link #mostBits}. */
    static int bits(byte[] key) {
        int bits = MapBytes.intAt(key, 0);
        return bits < 0 ? Integer.MAX_VALUE : bits;
    }

    /** Whether two keys are of one prefix, whatever stands behind it. */
    static boolean isSamePrefix(byte[] one, byte[] other) {
        return bits(one) == bits(other) && common(one, other) >= bits(one);
    }

    /** How many bits the bytes of two keys begin with that are the same. */
    private static int common(byte[] one, byte[] other) {
        for (int at = LENGTH_BYTES; at < one.length; at++) {
            int different = (one[at] ^ other[at]) & 0xff;
            if (different != 0) {
                return (at - LENGTH_BYTES + 1) * Byte.SIZE - (Integer.SIZE - Integer.numberOfLeadingZeros(different));
            }
        }
        return (one.length - LENGTH_BYTES) * Byte.SIZE;
    }

    /** Reads under the lock if it is free in time, and as things are otherwise. */
    <T> T locked(Supplier<T> read) {
        boolean locked = lock();
        try {
            return read.get();
        } finally {
            if (locked) {
                unlock();
            }
        }
    }

    /** Changes under the lock: what {@code change} gives, or {@code -EBUSY}. */
    int changed(IntSupplier change) {
        if (!lock()) {
            return -Errno.EBUSY;
        }
        try {
            return change.getAsInt();
        } finally {
            unlock();
        }
    }

    Optional<byte[]> longest(byte[] key) {
        int found = NONE;
        int node = region.getAcquire(TrieLayout.ROOT);
        for (int steps = 0; isNode(node) && steps <= mostBits(); steps++) {
            int bits = prefix(node);
            int common = common(node, key);
            if (common == mostBits()) {
                found = node;
                break;
            }
            if (common < bits || bits >= mostBits()) {
                break;
            }
            found = hasValue(node) ? node : found;
            node = region.getAcquire(child(node, key, bits));
        }
        return found == NONE ? Optional.empty() : Optional.of(region.read(at(found) + valueOffset, spec.valueSize()));
    }

    /**
     * Where a walk to a prefix ends.
     *
     * @param link the word that leads to the node there, or to none
     * @param above the word that leads to the node whose child that is; {@code link} itself at the root
     */
    private record Place(long link, long above) {}

    private Place descend(byte[] key) {
        long link = TrieLayout.ROOT;
        long above = link;
        int node = region.get(link);
        for (int steps = 0; isNode(node) && steps <= mostBits(); steps++) {
            int bits = prefix(node);
            if (bits >= mostBits() || bits == bits(key) || common(node, key) != bits) {
                break;
            }
            above = link;
            link = child(node, key, bits);
            node = region.get(link);
        }
        return new Place(link, above);
    }

    int update(byte[] key, byte[] value, long flags) {
        long link = descend(key).link();
        int there = region.get(link);
        boolean same = isNode(there) && common(there, key) == prefix(there);
        boolean replaces = same && hasValue(there);
        int refused = replaces ? flags == KeyedMap.NOEXIST ? -Errno.EEXIST : 0 : refuseNew(flags);
        if (refused != 0) {
            return refused;
        }
        int fresh = take();
        if (!isNode(fresh)) {
            return -Errno.ENOMEM;
        }
        fill(fresh, bits(key), key);
        region.write(at(fresh) + valueOffset, value, 0, value.length);
        if (same) {
            region.set(at(fresh) + TrieNodeLayout.LEFT, region.get(at(there) + TrieNodeLayout.LEFT));
            region.set(at(fresh) + TrieNodeLayout.RIGHT, region.get(at(there) + TrieNodeLayout.RIGHT));
            region.setRelease(link, fresh);
            give(there);
        } else if (!isNode(there)) {
            region.setRelease(link, fresh);
        } else if (common(there, key) == bits(key)) {
            region.set(child(fresh, keyOf(there), bits(key)), there);
            region.setRelease(link, fresh);
        } else {
            int between = take();
            if (!isNode(between)) {
                give(fresh);
                return -Errno.ENOMEM;
            }
            int common = common(there, key);
            fill(between, common, keyOf(there));
            region.set(at(between) + TrieNodeLayout.FLAGS, MapConstants.TRIE_NO_VALUE);
            region.set(child(between, keyOf(there), common), there);
            region.set(child(between, key, common), fresh);
            region.setRelease(link, between);
        }
        count(replaces ? 0 : 1);
        return 0;
    }

    private int refuseNew(long flags) {
        if (flags == KeyedMap.EXIST) {
            return -Errno.ENOENT;
        }
        return region.get(TrieLayout.ENTRIES) >= spec.maxEntries() ? -Errno.ENOSPC : 0;
    }

    int delete(byte[] key) {
        Place place = descend(key);
        int node = region.get(place.link());
        if (!isNode(node) || prefix(node) != bits(key) || common(node, key) != bits(key) || !hasValue(node)) {
            return -Errno.ENOENT;
        }
        count(-1);
        int left = region.get(at(node) + TrieNodeLayout.LEFT);
        int right = region.get(at(node) + TrieNodeLayout.RIGHT);
        int parent = place.above() == place.link() ? NONE : region.get(place.above());
        if (left != NONE && right != NONE) {
            region.setRelease(at(node) + TrieNodeLayout.FLAGS, MapConstants.TRIE_NO_VALUE);
        } else if (isNode(parent) && !hasValue(parent) && left == NONE && right == NONE) {
            long parentLeft = at(parent) + TrieNodeLayout.LEFT;
            long other = place.link() == parentLeft ? at(parent) + TrieNodeLayout.RIGHT : parentLeft;
            region.setRelease(place.above(), region.get(other));
            give(parent);
            give(node);
        } else {
            region.setRelease(place.link(), left != NONE ? left : right);
            give(node);
        }
        return 0;
    }

    /** The keys with values, children before what they are children of. */
    List<byte[]> keys() {
        List<byte[]> keys = new ArrayList<>();
        Deque<Integer> above = new ArrayDeque<>();
        int node = region.getAcquire(TrieLayout.ROOT);
        // Node, right, left, and then from behind.
        for (int steps = 0; steps <= 2 * capacity && (isNode(node) || !above.isEmpty()); steps++) {
            if (!isNode(node)) {
                node = above.pop();
                continue;
            }
            if (hasValue(node)) {
                keys.add(keyOf(node));
            }
            int left = region.getAcquire(at(node) + TrieNodeLayout.LEFT);
            if (isNode(left)) {
                above.push(left);
            }
            node = region.getAcquire(at(node) + TrieNodeLayout.RIGHT);
        }
        return keys.reversed();
    }

    private int take() {
        int free = region.get(TrieLayout.FREE);
        if (isNode(free)) {
            region.setRelease(TrieLayout.FREE, region.get(at(free) + TrieNodeLayout.LEFT));
            return free;
        }
        int used = region.get(TrieLayout.FRESH);
        if (used < 0 || used >= capacity) {
            return NONE;
        }
        region.setRelease(TrieLayout.FRESH, used + 1);
        return used + 1;
    }

    private void give(int node) {
        region.getAndAddLong(TrieLayout.CHANGES, 1);
        region.set(at(node) + TrieNodeLayout.LEFT, region.get(TrieLayout.FREE));
        region.setRelease(TrieLayout.FREE, node);
    }

    private void fill(int node, int bits, byte[] key) {
        long at = at(node);
        region.set(at + TrieNodeLayout.LEFT, NONE);
        region.set(at + TrieNodeLayout.RIGHT, NONE);
        region.set(at + TrieNodeLayout.FLAGS, 0);
        region.set(at + TrieNodeLayout.PREFIX, bits);
        MemorySegment.copy(
                key,
                LENGTH_BYTES,
                region.memory(),
                ValueLayout.JAVA_BYTE,
                at + TrieNodeLayout.SIZE,
                key.length - LENGTH_BYTES);
    }

    private boolean isNode(int name) {
        return name > NONE && name <= capacity;
    }

    private long at(int node) {
        return OFFSET + (node - 1L) * nodeSize;
    }

    private int prefix(int node) {
        return region.get(at(node) + TrieNodeLayout.PREFIX);
    }

    private boolean hasValue(int node) {
        return region.get(at(node) + TrieNodeLayout.FLAGS) != MapConstants.TRIE_NO_VALUE;
    }

    private byte[] keyOf(int node) {
        byte[] key = new byte[spec.keySize()];
        MapBytes.putInt(key, 0, prefix(node));
        region.read(at(node) + TrieNodeLayout.SIZE, key, LENGTH_BYTES, key.length - LENGTH_BYTES);
        return key;
    }

    /** How many bits of a node's prefix and of a key's are the same. */
    private int common(int node, byte[] key) {
        return Math.min(Math.min(prefix(node), bits(key)), common(keyOf(node), key));
    }

    /** The link of a node for the bit of {@code key} behind the node's prefix. */
    private long child(int node, byte[] key, int bits) {
        int bit = key[LENGTH_BYTES + bits / Byte.SIZE] >> Byte.SIZE - 1 - bits % Byte.SIZE & 1;
        return at(node) + (bit == 0 ? TrieNodeLayout.LEFT : TrieNodeLayout.RIGHT);
    }

    private void count(int more) {
        region.set(TrieLayout.ENTRIES, region.get(TrieLayout.ENTRIES) + more);
    }

    private boolean lock() {
        return LockWord.acquire(region, TrieLayout.LOCK, TrieLayout.LOCK_BUSY);
    }

    private void unlock() {
        LockWord.release(region, TrieLayout.LOCK);
    }

    /** What the dead process had begun is done or not done; what it had taken and not linked becomes free again. */
    int releaseLocksOf(int deadTgid) {
        if (!LockWord.isHeldBy(region, TrieLayout.LOCK, deadTgid)) {
            return 0;
        }
        BitSet linked = new BitSet();
        Deque<Integer> open = new ArrayDeque<>(List.of(region.get(TrieLayout.ROOT)));
        int entries = 0;
        while (!open.isEmpty()) {
            int node = open.pop();
            if (isNode(node) && !linked.get(node)) {
                linked.set(node);
                entries += hasValue(node) ? 1 : 0;
                open.push(region.get(at(node) + TrieNodeLayout.LEFT));
                open.push(region.get(at(node) + TrieNodeLayout.RIGHT));
            }
        }
        region.set(TrieLayout.ENTRIES, entries);
        region.set(TrieLayout.FREE, NONE);
        int used = Math.clamp(region.get(TrieLayout.FRESH), 0, capacity);
        for (int node = linked.nextClearBit(1); node <= used; node = linked.nextClearBit(node + 1)) {
            give(node);
        }
        unlock();
        return 1;
    }
}

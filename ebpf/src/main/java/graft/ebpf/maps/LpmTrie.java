package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.TrieLayout;
import graft.platform.linux.Errno;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A trie of prefixes: a lookup finds the value of the longest prefix that the key has. A key is the length of a prefix in bits,
 * 4 bytes, and its bytes, highest bit first.
 */
public final class LpmTrie extends RegionMap implements KeyedMap {
    private final TrieNodes nodes;

    private LpmTrie(MapSpec spec, MapMemory memory) {
        TrieNodes nodes = TrieNodes.create(spec, memory);
        super(spec, nodes.region());
        this.nodes = nodes;
    }

    static LpmTrie create(MapSpec spec, MapMemory memory) {
        return new LpmTrie(spec, memory);
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + TrieNodes.OFFSET;
    }

    @Override
    public int valueBytes() {
        return spec.valueSize();
    }

    /** The value of the longest prefix of {@code key}. */
    @Override
    public Optional<byte[]> lookup(byte[] key) {
        requireKey(key);
        return TrieNodes.bits(key) > nodes.mostBits() ? Optional.empty() : nodes.locked(() -> nodes.longest(key));
    }

    @Override
    public int update(byte[] key, byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        requireKey(key);
        MapBytes.requireSize(value, spec.valueSize(), "the value");
        if (Long.compareUnsigned(flags, EXIST) > 0 || TrieNodes.bits(key) > nodes.mostBits()) {
            return -Errno.EINVAL;
        }
        return nodes.changed(() -> nodes.update(key, value, flags));
    }

    @Override
    public int delete(byte[] key) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        requireKey(key);
        return TrieNodes.bits(key) > nodes.mostBits() ? -Errno.EINVAL : nodes.changed(() -> nodes.delete(key));
    }

    private void requireKey(byte[] key) {
        MapBytes.requireSize(key, spec.keySize(), "the key");
    }

    @Override
    public Optional<byte[]> firstKey() {
        return keys().stream().findFirst();
    }

    @Override
    public Optional<byte[]> nextKey(byte[] key) {
        requireKey(key);
        List<byte[]> keys = keys();
        for (int i = 0; i < keys.size(); i++) {
            if (TrieNodes.isSamePrefix(keys.get(i), key)) {
                return i + 1 < keys.size() ? Optional.of(keys.get(i + 1)) : Optional.empty();
            }
        }
        return keys.stream().findFirst();
    }

    /** Longer prefixes before those that they begin with, as in the kernel. */
    @Override
    public List<byte[]> keys() {
        return nodes.locked(nodes::keys);
    }

    @Override
    Set<Integer> lockHolders() {
        int holder = LockWord.holder(region, TrieLayout.LOCK);
        return holder == 0 ? Set.of() : Set.of(holder);
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        return nodes.releaseLocksOf(deadTgid);
    }
}

package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A hash, per CPU or not. Lookups take no lock; values of other sizes than 1, 2, 4 and 8 bytes are replaced as a whole.
 * A full LRU hash drops an element that programs have not looked up for long.
 */
public final class HashTable extends HashedMap implements KeyedMap {
    private HashTable(MapSpec spec, MapMemory memory) {
        super(spec, new HashCore(spec, memory));
    }

    static HashTable create(MapSpec spec, MapMemory memory) {
        return new HashTable(spec, memory);
    }

    /** Bytes from the values of one processor to those of the next. */
    public int cpuStride() {
        return core.geometry().cpuStride();
    }

    /** Processors that have values of their own; 0 when all share them. */
    public int cpus() {
        return core.geometry().cpus();
    }

    /** Where a walk finds the value of a key. */
    public HashShape shape() {
        HashGeometry geometry = core.geometry();
        return new HashShape(
                spec.keySize(),
                geometry.buckets() - 1,
                geometry.elementSize(),
                geometry.elementsOffset(),
                geometry.valueOffset(),
                geometry.capacity(),
                spec.type().isLru() ? OptionalInt.of(geometry.usedOffset()) : OptionalInt.empty(),
                geometry.cpus() > 0
                        ? Optional.of(new HashShape.Rows(geometry.valuesOffset(), geometry.stride()))
                        : Optional.empty());
    }

    /** One element as it was when read: its key, and one value, or one for each possible CPU. */
    public record Entry(byte[] key, List<byte[]> values) {}

    /** All elements at about this moment. */
    public List<Entry> entries() {
        return core.entries();
    }

    /** Elements in the map. */
    public int count() {
        return core.count();
    }

    @Override
    public int valueBytes() {
        return core.valueBytes();
    }

    @Override
    public Optional<byte[]> lookup(byte[] key) {
        return core.lookup(key);
    }

    @Override
    public Optional<byte[]> lookupLocked(byte[] key) {
        return core.lookupLocked(key);
    }

    @Override
    public int update(byte[] key, byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        return core.update(key, value, flags);
    }

    @Override
    public int delete(byte[] key) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        return core.delete(key);
    }

    /**
     * Removes {@code key} and copies the value that it had last: {@code BPF_MAP_LOOKUP_AND_DELETE_ELEM}.
     *
     * @param value {@link #valueBytes} bytes, filled when the result is 0
     * @return 0 or a negated errno
     */
    public int lookupAndDelete(byte[] key, byte[] value) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        return core.lookupAndDelete(key, value);
    }

    @Override
    public Optional<byte[]> firstKey() {
        return core.firstKey();
    }

    @Override
    public Optional<byte[]> nextKey(byte[] key) {
        return core.nextKey(key);
    }

    @Override
    public List<byte[]> keys() {
        return core.keys();
    }
}

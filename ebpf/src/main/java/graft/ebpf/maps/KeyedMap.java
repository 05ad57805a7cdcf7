package graft.ebpf.maps;

import java.util.List;
import java.util.Optional;

/** A map with keys. Keys and values are as bpf(2) copies them. */
public sealed interface KeyedMap extends BpfMap
        permits IndexedMap, HashTable, LpmTrie, StackTraceMap, MapOfMaps, CgroupArray {
    /** {@code BPF_ANY}: create or replace. */
    long ANY = 0;

    /** {@code BPF_NOEXIST}: create only. */
    long NOEXIST = 1;

    /** {@code BPF_EXIST}: replace only. */
    long EXIST = 2;

    /** Bytes of a value here: per-CPU maps give one value for each possible CPU, each padded to 8. */
    int valueBytes();

    /** A copy of the value of {@code key}, or nothing. */
    Optional<byte[]> lookup(byte[] key);

    /** The same under the lock that values of the map have: as some holder of the lock has left it. */
    default Optional<byte[]> lookupLocked(byte[] key) {
        throw new AssertionError(spec().type() + " has no locks");
    }

    /**
     * Sets the value of {@code key}.
     *
     * @param value {@link #valueBytes} bytes
     * @return 0 or a negated errno: {@code EINVAL} for flags, {@code E2BIG} for a full map or an index outside,
     *     {@code EEXIST}, {@code ENOENT}, {@code EBUSY} when a lock was not free in time
     */
    int update(byte[] key, byte[] value, long flags);

    /** Removes {@code key}: 0 or a negated errno. */
    int delete(byte[] key);

    /** The first key in the map's order. */
    Optional<byte[]> firstKey();

    /**
     * The key after {@code key} in the map's order, the first one when {@code key} is not in the map, or nothing after
     * the last one. As with bpf(2), keys that are deleted meanwhile start the walk again.
     */
    Optional<byte[]> nextKey(byte[] key);

    /** All keys at about this moment. */
    List<byte[]> keys();
}

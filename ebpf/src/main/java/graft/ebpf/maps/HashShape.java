package graft.ebpf.maps;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where things are in the region of a hash map, for code that walks its chains: see {@code map.layout}.
 *
 * @param keySize bytes of a key
 * @param bucketMask one less than the number of buckets
 * @param elementSize bytes from one element to the next
 * @param elementsOffset of the first element from the region's beginning
 * @param valueOffset of the value in an element
 * @param capacity number of elements
 * @param used of the byte in an element that a lookup sets, in an LRU hash
 * @param rows where values are instead, if each processor has its own
 */
public record HashShape(
        int keySize,
        int bucketMask,
        int elementSize,
        long elementsOffset,
        int valueOffset,
        int capacity,
        OptionalInt used,
        Optional<Rows> rows) {
    /**
     * Values of each processor, in rows behind the elements.
     *
     * @param offset of the first processor's value of the first element from the region's beginning
     * @param stride from the value of one element to that of the next
     */
    public record Rows(long offset, int stride) {}
}

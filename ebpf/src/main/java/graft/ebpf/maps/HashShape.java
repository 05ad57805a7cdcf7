package graft.ebpf.maps;

/**
 * Where things are in the region of a hash map, for code that walks its chains: see {@code map.layout}.
 *
 * @param keySize bytes of a key
 * @param bucketMask one less than the number of buckets
 * @param elementSize bytes from one element to the next
 * @param elementsOffset of the first element from the region's beginning
 * @param valueOffset of the value in an element
 * @param capacity number of elements
 */
public record HashShape(
        int keySize, int bucketMask, int elementSize, long elementsOffset, int valueOffset, int capacity) {}

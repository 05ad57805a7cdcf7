package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Sysconf;

/**
 * Where the parts of a hash lie in its region.
 *
 * @param buckets a power of two
 * @param capacity elements, a spare one for each free list included
 * @param lists free lists
 * @param valueOffset of the value in an element
 * @param elementSize bytes of an element; per-CPU values lie elsewhere
 * @param usedOffset of the byte in an element that lookups set, in an LRU hash; otherwise 0
 * @param elementsOffset from the header
 * @param valuesOffset of the per-CPU values, from the header
 * @param stride from one per-CPU value to the next element's
 * @param cpuStride from one CPU's values to the next CPU's
 * @param cpus possible CPUs
 * @param timerBytes of what is behind the elements when values have timers
 */
record HashGeometry(
        int buckets,
        int capacity,
        int lists,
        int valueOffset,
        int elementSize,
        int usedOffset,
        long elementsOffset,
        long valuesOffset,
        int stride,
        int cpuStride,
        int cpus,
        long timerBytes) {
    private static final long LINE = 128;

    static HashGeometry of(MapSpec spec) {
        int buckets = Integer.highestOneBit(Math.max(spec.maxEntries() * 2 - 1, 1));
        int lists = Math.clamp(Sysconf.possibleCpus(), 2, MapConstants.HASH_LISTS_MAX);
        int capacity = spec.maxEntries() + lists;
        int valueOffset = (int) align(ElementLayout.SIZE + spec.keySize(), 8);
        int stride = (int) MapRules.stride(spec);
        boolean perCpu = MapRules.isPerCpu(spec);
        int filled = perCpu ? valueOffset : valueOffset + stride;
        int usedOffset = spec.type().isLru() ? filled : 0;
        int elementSize = elementSize(filled, usedOffset, perCpu);
        long elementsOffset = align(HashLayout.SIZE + (long) buckets * BucketLayout.SIZE, LINE);
        return new HashGeometry(
                buckets,
                capacity,
                lists,
                valueOffset,
                elementSize,
                usedOffset,
                elementsOffset,
                align(elementsOffset + (long) capacity * elementSize, MapConstants.PAGE),
                stride,
                perCpu ? (int) align((long) capacity * stride, LINE) : 0,
                perCpu ? Sysconf.possibleCpus() : 0,
                spec.timer().isPresent() ? TimerArea.bytes(capacity) : 0);
    }

    /** Code that looks up in rows divides by it: with the byte of an LRU hash a short key's element doubles. */
    private static int elementSize(int filled, int usedOffset, boolean perCpu) {
        if (usedOffset == 0) {
            return filled;
        }
        return perCpu ? 2 * filled : filled + Long.BYTES;
    }

    /** Bytes for the region, whole pages. */
    long regionSize() {
        return Sysconf.wholePages(Math.max(valuesOffset + (long) cpus * cpuStride, timersOffset() + timerBytes));
    }

    /** Where {@code graft_timers} is in a map that has them. */
    long timersOffset() {
        return elementsOffset + align((long) capacity * elementSize, TimerArea.ALIGNMENT);
    }

    /** Bytes for a region, before it is known that 32-bit sizes are enough. */
    static long regionSize(MapSpec spec) {
        long element = ElementLayout.SIZE + 32L + 2L * spec.keySize() + spec.valueSize();
        return HashLayout.SIZE
                + ((long) spec.maxEntries() + MapConstants.HASH_LISTS_MAX) * (element + 2L * BucketLayout.SIZE);
    }

    static long align(long size, long unit) {
        return (size + unit - 1) & -unit;
    }
}

package graft.ebpf.maps;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * A hash map, per CPU or not: header, buckets, elements, and per-CPU values behind them. Targets change it under bucket
 * locks; this side reads it without a lock, as every reader does.
 */
public final class HashTable implements BpfMap {
    private static final VarHandle INT = JAVA_INT.varHandle();

    private final MapSpec spec;
    private final NativeFd fd;
    private final SharedRegion region;
    private final Geometry geometry;

    private HashTable(MapSpec spec, Geometry geometry, NativeFd fd, SharedRegion region) {
        this.spec = spec;
        this.geometry = geometry;
        this.fd = fd;
        this.region = region;
    }

    /** Sizes and offsets, all derived from the blueprint. */
    private record Geometry(
            int buckets, int capacity, int valueOffset, int elementSize, long elements, long values, int cpuStride) {

        static Geometry of(MapSpec spec) {
            int buckets = Integer.highestOneBit(Math.max(1, spec.maxEntries() - 1)) << 1;
            int capacity = spec.maxEntries() + MapConstants.SPARE_ELEMENTS;
            int valueOffset = ElementLayout.SIZE + Sizes.padded(spec.keySize());
            boolean perCpu = spec.type() == MapType.PERCPU_HASH;
            int elementSize = valueOffset + (perCpu ? 0 : Sizes.padded(spec.valueSize()));
            long elements = Sysconf.wholePages(HashLayout.SIZE + (long) buckets * BucketLayout.SIZE);
            long values = elements + Sysconf.wholePages((long) capacity * elementSize);
            long cpuStride = perCpu ? Sysconf.wholePages((long) capacity * Sizes.padded(spec.valueSize())) : 0;
            return new Geometry(buckets, capacity, valueOffset, elementSize, elements, values, (int) cpuStride);
        }

        long regionSize() {
            return values + (long) cpuStride * Sysconf.possibleCpus();
        }
    }

    static HashTable create(MapSpec spec) {
        Geometry geometry = Geometry.of(spec);
        long size = geometry.regionSize();
        NativeFd fd = Mman.sealedMemfd("graft-map-" + spec.name(), size, Mman.MFD_NOEXEC_SEAL);
        HashTable table = new HashTable(spec, geometry, fd, SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE));
        table.initialise();
        return table;
    }

    private void initialise() {
        MemorySegment header = region.segment();
        header.set(JAVA_INT, HashLayout.ABI, PoolConstants.ABI);
        header.set(JAVA_INT, HashLayout.TYPE, spec.type().number());
        header.set(JAVA_INT, HashLayout.KEY_SIZE, spec.keySize());
        header.set(JAVA_INT, HashLayout.VALUE_SIZE, spec.valueSize());
        header.set(JAVA_INT, HashLayout.MAX_ENTRIES, spec.maxEntries());
        header.set(JAVA_INT, HashLayout.BUCKET_MASK, geometry.buckets() - 1);
        header.set(JAVA_INT, HashLayout.ELEMENT_SIZE, geometry.elementSize());
        header.set(JAVA_INT, HashLayout.VALUE_OFFSET, geometry.valueOffset());
        header.set(JAVA_INT, HashLayout.CAPACITY, geometry.capacity());
        header.set(JAVA_INT, HashLayout.CPUS, cpus());
        header.set(JAVA_LONG, HashLayout.SEED, System.nanoTime() | 1);
        header.set(JAVA_LONG, HashLayout.ELEMENTS_OFFSET, geometry.elements());
        header.set(JAVA_LONG, HashLayout.VALUES_OFFSET, geometry.values());
        header.set(JAVA_INT, HashLayout.STRIDE, stride());
        header.set(JAVA_INT, HashLayout.CPU_STRIDE, geometry.cpuStride());
        for (int bucket = 0; bucket < geometry.buckets(); bucket++) {
            long at = HashLayout.SIZE + (long) bucket * BucketLayout.SIZE;
            header.set(JAVA_INT, at + BucketLayout.HEAD, MapConstants.HASH_END | bucket);
        }
    }

    /** One element as it was when read: its key, and one value for each of {@link #cpus()}. */
    public record Entry(byte[] key, List<byte[]> values) {}

    /** All elements at about this moment. Elements that change meanwhile may be missed, as in the kernel. */
    public List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        for (int bucket = 0; bucket < geometry.buckets(); bucket++) {
            long head = HashLayout.SIZE + (long) bucket * BucketLayout.SIZE + BucketLayout.HEAD;
            int index = (int) INT.getAcquire(region.segment(), head);
            for (int steps = 0; isElement(index) && steps < geometry.capacity(); steps++) {
                entries.add(entry(index));
                index = (int) INT.getAcquire(region.segment(), element(index) + ElementLayout.NEXT);
            }
        }
        return entries;
    }

    private boolean isElement(int index) {
        return Integer.compareUnsigned(index, geometry.capacity()) < 0;
    }

    private long element(int index) {
        return geometry.elements() + (long) index * geometry.elementSize();
    }

    private Entry entry(int index) {
        byte[] key = bytes(element(index) + ElementLayout.SIZE, spec.keySize());
        List<byte[]> values = new ArrayList<>();
        if (spec.type() == MapType.PERCPU_HASH) {
            for (int cpu = 0; cpu < cpus(); cpu++) {
                long at = geometry.values() + (long) cpu * geometry.cpuStride() + (long) index * stride();
                values.add(bytes(at, spec.valueSize()));
            }
        } else {
            values.add(bytes(element(index) + geometry.valueOffset(), spec.valueSize()));
        }
        return new Entry(key, values);
    }

    private byte[] bytes(long offset, int length) {
        return region.segment().asSlice(offset, length).toArray(JAVA_BYTE);
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public NativeFd fd() {
        return fd;
    }

    @Override
    public long regionSize() {
        return region.size();
    }

    @Override
    public List<Piece> pieces() {
        return List.of(new Piece(0, region.size(), 0));
    }

    @Override
    public long headerAddress(long base) {
        return base;
    }

    @Override
    public long dataAddress(long base) {
        return base + geometry.elements();
    }

    @Override
    public int stride() {
        return Sizes.padded(spec.valueSize());
    }

    @Override
    public int cpuStride() {
        return geometry.cpuStride();
    }

    @Override
    public int cpus() {
        return spec.type() == MapType.PERCPU_HASH ? Sysconf.possibleCpus() : 1;
    }

    @Override
    public void close() {
        region.close();
        fd.close();
    }
}

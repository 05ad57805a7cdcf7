package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** An array with one value for each possible CPU: value i of CPU c is at {@code c * cpuStride() + i * stride()}. */
public final class PerCpuArrayMap extends IndexedMap {
    private static final long LINE = 128;

    private final int cpuStride;
    private final int cpus;

    private PerCpuArrayMap(MapSpec spec, MapRegion region) {
        super(spec, region);
        this.cpuStride = cpuStride(spec);
        this.cpus = Sysconf.possibleCpus();
    }

    private static int cpuStride(MapSpec spec) {
        return (int) HashGeometry.align(spec.maxEntries() * MapRules.stride(spec), LINE);
    }

    /** Bytes of the region. */
    static long size(MapSpec spec) {
        return Sysconf.wholePages((long) Sysconf.possibleCpus() * cpuStride(spec));
    }

    static PerCpuArrayMap create(MapSpec spec, MapMemory memory) {
        PerCpuArrayMap map = new PerCpuArrayMap(spec, memory.region(spec, size(spec)));
        byte[] content = spec.content().bytes();
        for (int cpu = 0; cpu < map.cpus; cpu++) {
            map.region.write((long) cpu * map.cpuStride, content, 0, content.length);
        }
        return map;
    }

    /** The memory of one CPU's value {@code index}. Valid until the map is closed; read-only when it is frozen. */
    public MemorySegment value(int cpu, int index) {
        indices().require(index, spec);
        if (cpu < 0 || cpu >= cpus) {
            throw new IndexOutOfBoundsException("CPU " + cpu + " of " + cpus + " in map " + spec.name());
        }
        MemorySegment value = region.memory().asSlice(place(cpu, index), spec.valueSize());
        return isFrozen() ? value.asReadOnly() : value;
    }

    /** Possible CPUs, each with a value of its own. */
    public int cpus() {
        return cpus;
    }

    @Override
    public byte[] describe(long baseAddress) {
        return MapRegion.descriptor(
                spec, new MapRegion.Addresses(0, baseAddress), new MapRegion.Strides(stride(), cpuStride, cpus));
    }

    /** Bytes from one CPU's values to the next CPU's. */
    public int cpuStride() {
        return cpuStride;
    }

    @Override
    public int valueBytes() {
        return stride() * cpus;
    }

    @Override
    public Optional<byte[]> lookup(byte[] key) {
        int index = indices().of(key);
        if (!indices().isInside(index)) {
            return Optional.empty();
        }
        byte[] all = new byte[valueBytes()];
        for (int cpu = 0; cpu < cpus; cpu++) {
            region.read(place(cpu, index), all, cpu * stride(), spec.valueSize());
        }
        return Optional.of(all);
    }

    @Override
    public int update(byte[] key, byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        MapBytes.requireSize(value, valueBytes(), "the values of all CPUs");
        int index = indices().of(key);
        int refused = indices().refuseUpdate(index, flags);
        for (int cpu = 0; refused == 0 && cpu < cpus; cpu++) {
            region.write(place(cpu, index), value, cpu * stride(), spec.valueSize());
        }
        return refused;
    }

    private long place(int cpu, int index) {
        return (long) cpu * cpuStride + (long) index * stride();
    }
}

package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** An array with one value for each possible CPU: value i of CPU c is at {@code c * cpuStride() + i * stride()}. */
public final class PerCpuArrayMap implements KeyedMap {
    private static final long LINE = 128;

    private final MapSpec spec;
    private final MapRegion region;
    private final ArrayIndex indices;
    private final int stride;
    private final int cpuStride;
    private final int cpus;

    private PerCpuArrayMap(MapSpec spec) {
        this.spec = spec;
        this.indices = new ArrayIndex(spec.maxEntries());
        this.stride = (int) MapRules.stride(spec);
        this.cpuStride = (int) HashGeometry.align((long) spec.maxEntries() * stride, LINE);
        this.cpus = Sysconf.possibleCpus();
        this.region = MapRegion.create(spec, Sysconf.wholePages((long) cpus * cpuStride));
    }

    static PerCpuArrayMap create(MapSpec spec) {
        PerCpuArrayMap map = new PerCpuArrayMap(spec);
        byte[] content = spec.content().bytes();
        for (int cpu = 0; cpu < map.cpus; cpu++) {
            map.region.write((long) cpu * map.cpuStride, content, 0, content.length);
        }
        return map;
    }

    /** The memory of one CPU's value {@code index}. Valid until the map is closed. */
    public MemorySegment value(int cpu, int index) {
        indices.require(index, spec);
        if (cpu < 0 || cpu >= cpus) {
            throw new IndexOutOfBoundsException("CPU " + cpu + " of " + cpus + " in map " + spec.name());
        }
        return region.memory().asSlice(place(cpu, index), spec.valueSize());
    }

    /** Possible CPUs, each with a value of its own. */
    public int cpus() {
        return cpus;
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public NativeFd fd() {
        return region.fd();
    }

    @Override
    public List<Piece> pieces() {
        return region.whole();
    }

    @Override
    public long regionSize() {
        return region.size();
    }

    @Override
    public byte[] describe(long baseAddress) {
        return MapRegion.descriptor(
                spec, new MapRegion.Addresses(0, baseAddress), new MapRegion.Strides(stride, cpuStride, cpus));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress;
    }

    @Override
    public int stride() {
        return stride;
    }

    /** Bytes from one CPU's values to the next CPU's. */
    public int cpuStride() {
        return cpuStride;
    }

    @Override
    public int valueBytes() {
        return stride * cpus;
    }

    @Override
    public Optional<byte[]> lookup(byte[] key) {
        int index = indices.of(key);
        if (!indices.isInside(index)) {
            return Optional.empty();
        }
        byte[] all = new byte[valueBytes()];
        for (int cpu = 0; cpu < cpus; cpu++) {
            region.read(place(cpu, index), all, cpu * stride, spec.valueSize());
        }
        return Optional.of(all);
    }

    @Override
    public int update(byte[] key, byte[] value, long flags) {
        MapBytes.requireSize(value, valueBytes(), "the values of all CPUs");
        int index = indices.of(key);
        int refused = indices.refuseUpdate(index, flags);
        for (int cpu = 0; refused == 0 && cpu < cpus; cpu++) {
            region.write(place(cpu, index), value, cpu * stride, spec.valueSize());
        }
        return refused;
    }

    private long place(int cpu, int index) {
        return (long) cpu * cpuStride + (long) index * stride;
    }

    @Override
    public int delete(byte[] key) {
        return -Errno.EINVAL;
    }

    @Override
    public Optional<byte[]> firstKey() {
        return Optional.of(MapBytes.ofInt(0));
    }

    @Override
    public Optional<byte[]> nextKey(byte[] key) {
        return indices.after(key);
    }

    @Override
    public List<byte[]> keys() {
        return indices.all();
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        return 0;
    }

    @Override
    public void close() {
        region.close();
    }
}

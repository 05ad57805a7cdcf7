package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A per-CPU array: each CPU's values one after another, whole pages per CPU so that no cache line is shared. */
public final class PerCpuArrayMap implements BpfMap {
    private final MapSpec spec;
    private final NativeFd fd;
    private final SharedRegion region;

    private PerCpuArrayMap(MapSpec spec, NativeFd fd, SharedRegion region) {
        this.spec = spec;
        this.fd = fd;
        this.region = region;
    }

    static PerCpuArrayMap create(MapSpec spec) {
        long size = cpuStride(spec) * Sysconf.possibleCpus();
        NativeFd fd = Mman.sealedMemfd("graft-map-" + spec.name(), size, Mman.MFD_NOEXEC_SEAL);
        return new PerCpuArrayMap(spec, fd, SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE));
    }

    private static long cpuStride(MapSpec spec) {
        return Sysconf.wholePages((long) Sizes.padded(spec.valueSize()) * spec.maxEntries());
    }

    /** The memory of one CPU's value {@code index}. */
    public MemorySegment value(int cpu, int index) {
        if (index < 0 || index >= spec.maxEntries() || cpu < 0 || cpu >= cpus()) {
            throw new IndexOutOfBoundsException("index " + index + " of CPU " + cpu + " in map " + spec.name());
        }
        return region.segment().asSlice(cpu * cpuStride(spec) + (long) index * stride(), spec.valueSize());
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
        return 0;
    }

    @Override
    public long dataAddress(long base) {
        return base;
    }

    @Override
    public int stride() {
        return Sizes.padded(spec.valueSize());
    }

    @Override
    public int cpuStride() {
        return (int) cpuStride(spec);
    }

    @Override
    public int cpus() {
        return Sysconf.possibleCpus();
    }

    @Override
    public void close() {
        region.close();
        fd.close();
    }
}

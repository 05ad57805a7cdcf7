package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.List;

/** An array: values one after another, no header. Value i is at {@code i * stride()}. */
public final class ArrayMap implements BpfMap {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final MapSpec spec;
    private final NativeFd fd;
    private final SharedRegion region;

    private ArrayMap(MapSpec spec, NativeFd fd, SharedRegion region) {
        this.spec = spec;
        this.fd = fd;
        this.region = region;
    }

    static ArrayMap create(MapSpec spec) {
        long size = size(spec);
        NativeFd fd = Mman.sealedMemfd("graft-map-" + spec.name(), size, Mman.MFD_NOEXEC_SEAL);
        ArrayMap map = new ArrayMap(spec, fd, SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE));
        byte[] content = spec.content().bytes();
        MemorySegment.copy(content, 0, map.region.segment(), ValueLayout.JAVA_BYTE, 0, content.length);
        return map;
    }

    /**
     * The same view of a kernel array that was created with {@link MapSpec#MMAPABLE}: kernel programs, targets and this
     * process see one memory.
     *
     * @param fd the kernel map's descriptor; owned by the map from now on
     */
    public static ArrayMap overKernelArray(NativeFd fd, MapSpec spec) {
        return new ArrayMap(spec, fd, SharedRegion.map(fd, size(spec), SharedRegion.Access.READ_WRITE));
    }

    private static long size(MapSpec spec) {
        return Sysconf.wholePages((long) Sizes.padded(spec.valueSize()) * spec.maxEntries());
    }

    /** The memory of value {@code index}; writes are seen by all who share the map. */
    public MemorySegment value(int index) {
        if (index < 0 || index >= spec.maxEntries()) {
            throw new IndexOutOfBoundsException(
                    "index " + index + " of " + spec.maxEntries() + " in map " + spec.name());
        }
        return region.segment().asSlice((long) index * stride(), spec.valueSize());
    }

    /** The first eight bytes of a value, read at once. */
    public long longAt(int index) {
        return (long) LONG.getVolatile(value(index), 0L);
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
        return 0;
    }

    @Override
    public int cpus() {
        return 1;
    }

    @Override
    public void close() {
        region.close();
        fd.close();
    }
}

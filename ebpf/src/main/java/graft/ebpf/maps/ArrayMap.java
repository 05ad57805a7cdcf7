package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** An array; global data are arrays with one value and content. No header: value i is at {@code i * stride()}. */
public final class ArrayMap implements KeyedMap {
    private final MapSpec spec;
    private final MapRegion region;
    private final ArrayIndex indices;
    private final int stride;

    private ArrayMap(MapSpec spec, MapRegion region) {
        this.spec = spec;
        this.region = region;
        this.indices = new ArrayIndex(spec.maxEntries());
        this.stride = (int) MapRules.stride(spec);
    }

    static ArrayMap create(MapSpec spec) {
        ArrayMap map = new ArrayMap(spec, MapRegion.create(spec, size(spec)));
        byte[] content = spec.content().bytes();
        map.region.write(0, content, 0, content.length);
        return map;
    }

    /**
     * The values of a kernel array that was made with {@link MapSpec#MMAPABLE}: kernel programs, targets and the daemon
     * share the same memory. The descriptor stays its owner's.
     */
    public static ArrayMap overKernelArray(NativeFd kernelMapFd, MapSpec spec) {
        return new ArrayMap(spec, MapRegion.borrow(kernelMapFd, size(spec)));
    }

    private static long size(MapSpec spec) {
        return Sysconf.wholePages(spec.maxEntries() * MapRules.stride(spec));
    }

    /** The memory of value {@code index}; writes are seen by all who share the map. Valid until the map is closed. */
    public MemorySegment value(int index) {
        indices.require(index, spec);
        return region.memory().asSlice((long) index * stride, spec.valueSize());
    }

    /** The first eight bytes of a value, read at once; a stride always has them. */
    public long longAt(int index) {
        indices.require(index, spec);
        return region.getLongAcquire((long) index * stride);
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
        return MapRegion.descriptor(spec, new MapRegion.Addresses(0, baseAddress), new MapRegion.Strides(stride, 0, 0));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress;
    }

    @Override
    public int stride() {
        return stride;
    }

    @Override
    public int valueBytes() {
        return spec.valueSize();
    }

    @Override
    public Optional<byte[]> lookup(byte[] key) {
        int index = indices.of(key);
        return indices.isInside(index)
                ? Optional.of(region.read((long) index * stride, spec.valueSize()))
                : Optional.empty();
    }

    @Override
    public int update(byte[] key, byte[] value, long flags) {
        MapBytes.requireSize(value, valueBytes(), "the value");
        int index = indices.of(key);
        int refused = indices.refuseUpdate(index, flags);
        if (refused == 0) {
            region.write((long) index * stride, value, 0, value.length);
        }
        return refused;
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

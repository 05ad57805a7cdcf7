package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalLong;

/** An array; global data are arrays with one value and content. No header: value i is at {@code i * stride()}. */
public final class ArrayMap extends IndexedMap {
    private ArrayMap(MapSpec spec, MapRegion region) {
        super(spec, region);
    }

    static ArrayMap create(MapSpec spec, MapMemory memory) {
        ArrayMap map = new ArrayMap(spec, memory.region(spec, size(spec)));
        byte[] content = spec.content().bytes();
        map.region.write(0, content, 0, content.length);
        map.timers().ifPresent(TimerArea::write);
        return map;
    }

    /**
     * The values of a kernel array that was made with {@link MapSpec#MMAPABLE}: kernel programs, targets and the daemon
     * share the same memory. The descriptor stays its owner's.
     */
    public static ArrayMap overKernelArray(NativeFd kernelMapFd, MapSpec spec) {
        return new ArrayMap(spec, MapRegion.borrow(kernelMapFd, size(spec)));
    }

    /** Bytes of the region. */
    static long size(MapSpec spec) {
        long timers = spec.timer().isPresent() ? timersOffset(spec) + TimerArea.bytes(spec.maxEntries()) : 0;
        return Sysconf.wholePages(Math.max(spec.maxEntries() * MapRules.stride(spec), timers));
    }

    private static long timersOffset(MapSpec spec) {
        return HashGeometry.align(spec.maxEntries() * MapRules.stride(spec), TimerArea.ALIGNMENT);
    }

    /** The memory of value {@code index}; writes are seen by all who share the map. Valid until the map is closed; read-only
     * when it is frozen. */
    public MemorySegment value(int index) {
        indices().require(index, spec);
        MemorySegment value = region.memory().asSlice((long) index * stride(), spec.valueSize());
        return isFrozen() ? value.asReadOnly() : value;
    }

    /** The first eight bytes of a value, read at once; a stride always has them. */
    public long longAt(int index) {
        indices().require(index, spec);
        return region.getLongAcquire((long) index * stride());
    }

    @Override
    public byte[] describe(long baseAddress) {
        return MapRegion.descriptor(
                spec, new MapRegion.Addresses(0, baseAddress), new MapRegion.Strides(stride(), 0, 0));
    }

    @Override
    public int valueBytes() {
        return spec.valueSize();
    }

    @Override
    public Optional<byte[]> lookup(byte[] key) {
        int index = indices().of(key);
        return indices().isInside(index) ? Optional.of(valueAt((long) index * stride())) : Optional.empty();
    }

    private byte[] valueAt(long at) {
        return fields().masked(region.read(at, spec.valueSize()));
    }

    private ValueFields fields() {
        return new ValueFields(region, spec);
    }

    /** What says which timers were started, in a map that has them. */
    Optional<TimerArea> timers() {
        return spec.timer().isPresent()
                ? Optional.of(
                        new TimerArea(region, spec.timer().getAsInt(), stride(), spec.maxEntries(), timersOffset(spec)))
                : Optional.empty();
    }

    private Optional<ValueLock> lock() {
        return spec.lock().isPresent()
                ? Optional.of(new ValueLock(region, spec, spec.lock().getAsInt()))
                : Optional.empty();
    }

    @Override
    public Optional<byte[]> lookupLocked(byte[] key) {
        int index = indices().of(key);
        long at = (long) index * stride();
        return indices().isInside(index)
                ? Optional.of(lock().orElseThrow().during(at, () -> valueAt(at)))
                : Optional.empty();
    }

    @Override
    public int update(byte[] key, byte[] value, long flags) {
        return isFrozen() ? -Errno.EPERM : updateFrozenToo(key, value, flags);
    }

    /** Where a value is in the region, for a program. */
    OptionalLong place(int index) {
        return indices().isInside(index) ? OptionalLong.of((long) index * stride()) : OptionalLong.empty();
    }

    /** As programs do. */
    int updateFrozenToo(byte[] key, byte[] value, long flags) {
        MapBytes.requireSize(value, valueBytes(), "the value");
        if (ValueLock.isMissing(spec, flags)) {
            return -Errno.EINVAL;
        }
        int index = indices().of(key);
        int refused = indices().refuseUpdate(index, flags & ~ValueLock.FLAG);
        if (refused == 0) {
            store((long) index * stride(), value, flags);
        }
        return refused;
    }

    private void store(long at, byte[] value, long flags) {
        if ((flags & ValueLock.FLAG) == 0) {
            fields().write(at, value);
        } else {
            lock().orElseThrow().during(at, () -> {
                fields().write(at, value);
                return value;
            });
        }
        fields().endTimer(at);
    }
}

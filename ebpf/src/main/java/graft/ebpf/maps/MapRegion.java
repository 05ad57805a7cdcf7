package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapLayout;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.SysException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The memory of one map: the daemon's mapping, which it owns, and the descriptor. Word access says its memory order:
 * targets change the same words at any time.
 */
final class MapRegion implements AutoCloseable {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    /** Whether something has been in the memory before. */
    enum Past {
        NEW,
        USED
    }

    private final NativeFd fd;
    private final long fileOffset;
    private final MemorySegment memory;
    private final Past past;
    private final Runnable populate;
    private final Runnable release;

    private MapRegion(NativeFd fd, long fileOffset, MemorySegment memory, Past past, Runnable release) {
        this.fd = fd;
        this.fileOffset = fileOffset;
        this.memory = memory;
        this.past = past;
        this.populate = () -> {};
        this.release = release;
    }

    private MapRegion(NativeFd fd, SharedRegion mapping, Runnable release) {
        this.fd = fd;
        this.fileOffset = 0;
        this.memory = mapping.segment();
        this.past = Past.NEW;
        this.populate = mapping::populate;
        this.release = release;
    }

    /** A new zeroed region of {@code size} bytes, whole pages. */
    static MapRegion create(MapSpec spec, long size) {
        NativeFd fd = Mman.sealedMemfd("graft-map-" + spec.name(), size, Mman.MFD_NOEXEC_SEAL);
        try {
            SharedRegion mapping = SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE);
            if (spec.access() == MapSpec.Access.READ_ONLY) {
                Mman.addSeals(fd, Mman.F_SEAL_FUTURE_WRITE);
            }
            return new MapRegion(fd, mapping, () -> {
                mapping.close();
                fd.close();
            });
        } catch (SysException failed) {
            fd.close();
            throw failed;
        }
    }

    /** A file's first {@code size} bytes. Owns both descriptors. */
    static MapRegion pinned(NativeFd file, NativeFd lock, long size, Past past) {
        try {
            SharedRegion mapping = SharedRegion.map(file, size, SharedRegion.Access.READ_WRITE);
            return new MapRegion(file, 0, mapping.segment(), past, () -> {
                mapping.close();
                file.close();
                lock.close();
            });
        } catch (SysException failed) {
            file.close();
            throw failed;
        }
    }

    /** The memory behind a descriptor that somebody else owns. */
    static MapRegion borrow(NativeFd fd, long size) {
        SharedRegion mapping = SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE);
        return new MapRegion(fd, mapping, mapping::close);
    }

    /**
     * A part of this region, whole pages, for as long as this region is open.
     *
     * @param past whether it holds a map of the same shape, which is empty
     * @param release what to do when it is closed, each time
     */
    MapRegion part(long offset, long size, Past past, Runnable release) {
        return new MapRegion(fd, fileOffset + offset, memory.asSlice(offset, size), past, release);
    }

    NativeFd fd() {
        return fd;
    }

    /** Where the memory begins in the descriptor. */
    long fileOffset() {
        return fileOffset;
    }

    long size() {
        return memory.byteSize();
    }

    /** {@link SharedRegion#populate}; nothing for a part. */
    void populate() {
        populate.run();
    }

    Past past() {
        return past;
    }

    MemorySegment memory() {
        return memory;
    }

    byte getByte(long at) {
        return memory.get(ValueLayout.JAVA_BYTE, at);
    }

    void setByte(long at, byte value) {
        memory.set(ValueLayout.JAVA_BYTE, at, value);
    }

    int get(long at) {
        return (int) INT.get(memory, at);
    }

    int getAcquire(long at) {
        return (int) INT.getAcquire(memory, at);
    }

    void set(long at, int value) {
        INT.set(memory, at, value);
    }

    void setRelease(long at, int value) {
        INT.setRelease(memory, at, value);
    }

    boolean compareAndSet(long at, int expected, int value) {
        return INT.compareAndSet(memory, at, expected, value);
    }

    int getAndSet(long at, int value) {
        return (int) INT.getAndSet(memory, at, value);
    }

    long getAndSetLong(long at, long value) {
        return (long) LONG.getAndSet(memory, at, value);
    }

    long getAndAndLong(long at, long bits) {
        return (long) LONG.getAndBitwiseAnd(memory, at, bits);
    }

    /** A store that comes before every later load. */
    void setVolatile(long at, int value) {
        INT.setVolatile(memory, at, value);
    }

    int getAndAdd(long at, int delta) {
        return (int) INT.getAndAdd(memory, at, delta);
    }

    long getLong(long at) {
        return (long) LONG.get(memory, at);
    }

    long getLongAcquire(long at) {
        return (long) LONG.getAcquire(memory, at);
    }

    void setLong(long at, long value) {
        LONG.set(memory, at, value);
    }

    void setLongRelease(long at, long value) {
        LONG.setRelease(memory, at, value);
    }

    /** A store that comes before every later load: Dekker's half of going to sleep. */
    void setLongVolatile(long at, long value) {
        LONG.setVolatile(memory, at, value);
    }

    boolean compareAndSetLong(long at, long expected, long value) {
        return LONG.compareAndSet(memory, at, expected, value);
    }

    long getAndAddLong(long at, long delta) {
        return (long) LONG.getAndAdd(memory, at, delta);
    }

    /** Copies {@code to.length - from} bytes at most {@code size} from {@code at} into {@code to}. */
    void read(long at, byte[] to, int from, int size) {
        switch (size) {
            case Short.BYTES -> MapBytes.putShort(to, from, (short) MapBytes.SHORT.getVolatile(memory, at));
            case Integer.BYTES -> MapBytes.putInt(to, from, (int) INT.getVolatile(memory, at));
            case Long.BYTES -> MapBytes.putLong(to, from, (long) LONG.getVolatile(memory, at));
            default -> MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, to, from, size);
        }
    }

    byte[] read(long at, int size) {
        byte[] bytes = new byte[size];
        read(at, bytes, 0, size);
        return bytes;
    }

    long getAndOrLong(long at, long bits) {
        return (long) LONG.getAndBitwiseOr(memory, at, bits);
    }

    /** Stores a value; no reader sees half of one that the machine can store at once. */
    void write(long at, byte[] from, int offset, int size) {
        switch (size) {
            case Short.BYTES -> MapBytes.SHORT.setRelease(memory, at, MapBytes.shortAt(from, offset));
            case Integer.BYTES -> INT.setRelease(memory, at, MapBytes.intAt(from, offset));
            case Long.BYTES -> LONG.setRelease(memory, at, MapBytes.longAt(from, offset));
            default -> MemorySegment.copy(from, offset, memory, ValueLayout.JAVA_BYTE, at, size);
        }
    }

    /** {@code struct graft_map}. */
    static byte[] descriptor(MapSpec spec, Addresses addresses, Strides strides) {
        ByteBuffer map = ByteBuffer.allocate(MapLayout.SIZE).order(ByteOrder.nativeOrder());
        map.putInt(MapLayout.TYPE, spec.type().number());
        map.putInt(MapLayout.KEY_SIZE, spec.keySize());
        map.putInt(MapLayout.VALUE_SIZE, spec.valueSize());
        map.putInt(MapLayout.MAX_ENTRIES, spec.maxEntries());
        map.putInt(MapLayout.FLAGS, spec.flags());
        map.putInt(MapLayout.STRIDE, strides.value());
        map.putLong(MapLayout.BASE, addresses.base());
        map.putLong(MapLayout.DATA, addresses.data());
        map.putInt(MapLayout.CPUS, strides.cpus());
        map.putInt(MapLayout.CPU_STRIDE, strides.cpu());
        spec.lock().ifPresent(offset -> map.putInt(MapLayout.LOCK, offset + 1));
        spec.timer().ifPresent(offset -> map.putInt(MapLayout.INNER_OR_TIMER, offset + 1));
        return map.array();
    }

    /** Addresses in a target. */
    record Addresses(long base, long data) {}

    /** Distances of values and of CPUs, and how many CPUs. */
    record Strides(int value, int cpu, int cpus) {}

    @Override
    public void close() {
        release.run();
    }
}

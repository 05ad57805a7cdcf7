package graft.ebpf.maps;

import graft.ebpf.insn.MemSize;
import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongBinaryOperator;

/**
 * An array, a hash or a ring buffer as a program sees it that runs in this process: values are places in the map's memory, where
 * programs in other processes work at the same time. May be used by any thread until the map is closed.
 */
public final class MapView {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final BpfMap map;
    private final MapRegion region;
    private final MemorySegment memory;

    private MapView(BpfMap map, MapRegion region) {
        this.map = map;
        this.region = region;
        this.memory = region.memory();
    }

    /** Nothing for maps of other types. */
    public static Optional<MapView> of(BpfMap map) {
        return switch (map) {
            case ArrayMap array -> Optional.of(new MapView(map, array.region));
            case HashTable table when table.cpus() == 0 -> Optional.of(new MapView(map, table.region));
            case RingBuffer ring -> Optional.of(new MapView(map, ring.region));
            default -> Optional.empty(); // functions of timers cannot use them
        };
    }

    /** The map's blueprint. */
    public MapSpec spec() {
        return map.spec();
    }

    /** Bytes of memory that programs see. */
    public long size() {
        return map.regionSize();
    }

    /** Records of a ring do not wrap: its data come twice. */
    private long at(long place) {
        return place < region.size() ? place : place - spec().maxEntries();
    }

    private boolean isWhole(long at, MemSize size) {
        return at + size.bytes() <= region.size() && (at & size.bytes() - 1) == 0;
    }

    /** The value at a place inside. */
    public long read(long place, MemSize size) {
        long at = at(place);
        if (!isWhole(at, size)) {
            long value = 0;
            for (int i = size.bytes() - 1; i >= 0; i--) {
                value = value << Byte.SIZE | memory.get(ValueLayout.JAVA_BYTE, at(place + i)) & 0xff;
            }
            return value;
        }
        return switch (size) {
            case B -> memory.get(ValueLayout.JAVA_BYTE, at) & 0xff;
            case H -> (short) MapBytes.SHORT.getAcquire(memory, at) & 0xffff;
            case W -> (int) INT.getAcquire(memory, at) & 0xffff_ffffL;
            case DW -> (long) LONG.getAcquire(memory, at);
        };
    }

    /** Stores at a place inside. */
    public void write(long place, MemSize size, long value) {
        long at = at(place);
        if (!isWhole(at, size)) {
            for (int i = 0; i < size.bytes(); i++) {
                memory.set(ValueLayout.JAVA_BYTE, at(place + i), (byte) (value >>> i * Byte.SIZE));
            }
            return;
        }
        switch (size) {
            case B -> memory.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            case H -> MapBytes.SHORT.setRelease(memory, at, (short) value);
            case W -> INT.setRelease(memory, at, (int) value);
            case DW -> LONG.setRelease(memory, at, value);
        }
    }

    /** Whether {@link #change} can be one operation there. */
    public boolean isAligned(long place, MemSize size) {
        return isWhole(at(place), size);
    }

    /** Changes an aligned word in one operation. @return what was there */
    public long change(long place, MemSize size, LongBinaryOperator change, long operand) {
        long at = at(place);
        while (true) {
            long old = read(place, size);
            long next = change.applyAsLong(old, operand);
            boolean done = size == MemSize.W
                    ? INT.compareAndSet(memory, at, (int) old, (int) next)
                    : LONG.compareAndSet(memory, at, old, next);
            if (done) {
                return old;
            }
        }
    }

    /** {@code bpf_map_lookup_elem}: where the value is. */
    public OptionalLong lookup(byte[] key) {
        return switch (map) {
            case ArrayMap array -> array.place(MapBytes.intAt(key, 0));
            case HashTable table -> table.core.place(key);
            default -> OptionalLong.empty();
        };
    }

    /** {@code bpf_map_update_elem}, also when the map is frozen for others. */
    public int update(byte[] key, byte[] value, long flags) {
        return switch (map) {
            case ArrayMap array -> array.updateFrozenToo(key, value, flags);
            case HashTable table -> table.core.update(key, value, flags);
            default -> -Errno.EINVAL;
        };
    }

    /** {@code bpf_map_delete_elem}, the same. */
    public int delete(byte[] key) {
        return map instanceof HashTable table ? table.core.delete(key) : -Errno.EINVAL;
    }

    /** All keys at about this moment. */
    public List<byte[]> keys() {
        return map instanceof KeyedMap keyed ? keyed.keys() : List.of();
    }

    /** The key of the value that has the timer {@code number} of {@link MapTimers}. */
    public byte[] keyOf(int number) {
        return map instanceof HashTable table ? table.core.keyOf(number) : MapBytes.ofInt(number);
    }

    /** Where that value is. */
    public long valueOf(int number) {
        return map instanceof HashTable table ? table.core.valueOf(number) : (long) number * map.stride();
    }
}

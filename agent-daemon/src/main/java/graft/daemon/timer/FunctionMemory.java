package graft.daemon.timer;

import graft.ebpf.insn.MemSize;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.Memory;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import graft.ebpf.maps.MapView;
import java.util.List;
import java.util.function.LongBinaryOperator;

/**
 * What a timer's function may read and write: the memory of maps, each of which seems to begin at a multiple of 2^40, its stack, and
 * keys. Confined to who runs functions.
 */
final class FunctionMemory implements Memory {
    static final long STACK_END = 1L << 62;
    private static final long KEYS = 1L << 61;
    private static final int FRAMES = 8;
    private static final int MAP_SHIFT = 40;
    private static final long OFFSET = (1L << MAP_SHIFT) - 1;

    private final List<MapView> maps;
    private final Regions own = new Regions();

    /** @param maps in the order of their addresses */
    FunctionMemory(List<MapView> maps) {
        this.maps = maps;
        int stack = FRAMES * Interpreter.FRAME_BYTES;
        own.add(STACK_END - stack, new byte[stack]);
    }

    /** Where a place in a map seems to be. */
    static long address(int map, long place) {
        return (map + 1L) << MAP_SHIFT | place;
    }

    /** In which map an address is. */
    int mapOf(long address) {
        long number = (address >>> MAP_SHIFT) - 1;
        if (number < 0 || number >= maps.size()) {
            throw new ProgramFault("access to 0x%x, where there is nothing".formatted(address));
        }
        return (int) number;
    }

    /** Which place in its map. */
    static long placeOf(long address) {
        return address & OFFSET;
    }

    private MapView map(long address, MemSize size) {
        MapView map = maps.get(mapOf(address));
        if (placeOf(address) > map.size() - size.bytes()) {
            throw new ProgramFault("access to %d bytes behind map %s"
                    .formatted(size.bytes(), map.spec().name()));
        }
        return map;
    }

    private static boolean isOwn(long address) {
        return address >= KEYS;
    }

    /** Makes a key readable, in place of the last one of as many calls within each other. */
    long key(int depth, byte[] key) {
        long address = KEYS + ((long) depth << MAP_SHIFT);
        own.add(address, key);
        return address;
    }

    @Override
    public long read(long address, MemSize size) {
        return isOwn(address) ? own.read(address, size) : map(address, size).read(placeOf(address), size);
    }

    @Override
    public void write(long address, MemSize size, long value) {
        if (isOwn(address)) {
            own.write(address, size, value);
        } else {
            map(address, size).write(placeOf(address), size, value);
        }
    }

    @Override
    public long change(long address, MemSize size, LongBinaryOperator change, long operand) {
        if (isOwn(address)) {
            return Memory.super.change(address, size, change, operand);
        }
        MapView map = map(address, size);
        if (!map.isAligned(placeOf(address), size)) {
            throw new ProgramFault("an atomic operation at 0x%x, which is not aligned".formatted(address));
        }
        return map.change(placeOf(address), size, change, operand);
    }

    byte[] bytes(long address, int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) read(address + i, MemSize.B);
        }
        return bytes;
    }

    void copy(long to, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            write(to + i, MemSize.B, bytes[i]);
        }
    }
}

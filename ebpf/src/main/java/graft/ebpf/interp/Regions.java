package graft.ebpf.interp;

import graft.ebpf.insn.MemSize;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

/** Memory made of byte arrays at chosen addresses. */
public final class Regions implements Memory {
    private final TreeMap<Long, ByteBuffer> byAddress = new TreeMap<>();

    /** Memory without any region. */
    public Regions() {}

    /** Makes {@code bytes} appear at {@code address}; writes go through to the array. */
    public Regions add(long address, byte[] bytes) {
        byAddress.put(address, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        return this;
    }

    @Override
    public long read(long address, MemSize size) {
        Place place = find(address, size);
        return switch (size) {
            case B -> place.region().get(place.offset()) & 0xffL;
            case H -> place.region().getShort(place.offset()) & 0xffffL;
            case W -> place.region().getInt(place.offset()) & 0xffff_ffffL;
            case DW -> place.region().getLong(place.offset());
        };
    }

    @Override
    public void write(long address, MemSize size, long value) {
        Place place = find(address, size);
        switch (size) {
            case B -> place.region().put(place.offset(), (byte) value);
            case H -> place.region().putShort(place.offset(), (short) value);
            case W -> place.region().putInt(place.offset(), (int) value);
            case DW -> place.region().putLong(place.offset(), value);
        }
    }

    private record Place(ByteBuffer region, int offset) {}

    private Place find(long address, MemSize size) {
        Map.Entry<Long, ByteBuffer> region = byAddress.floorEntry(address);
        if (region == null || address - region.getKey() > region.getValue().capacity() - size.bytes()) {
            throw new ProgramFault("access to %d bytes at 0x%x".formatted(size.bytes(), address));
        }
        return new Place(region.getValue(), (int) (address - region.getKey()));
    }
}

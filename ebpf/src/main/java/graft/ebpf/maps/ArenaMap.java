package graft.ebpf.maps;

import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/**
 * An arena: memory that programs and the daemon share, with addresses that mean the same to all of them wherever each has
 * it mapped. All its pages are there from the start, and cost nothing until they are touched.
 */
public final class ArenaMap extends RegionMap {
    private final ArenaArea area;

    private ArenaMap(MapSpec spec, ArenaArea area) {
        super(spec, MapRegion.create(spec, area.bytes()));
        this.area = area;
    }

    static ArenaMap create(MapSpec spec) {
        ArenaMap map = new ArenaMap(spec, ArenaArea.of(spec));
        byte[] content = spec.content().bytes();
        map.region.write(0, content, 0, content.length);
        return map;
    }

    /** All of the memory; valid until the map is closed. */
    public MemorySegment memory() {
        return region.memory();
    }

    /** The addresses that programs keep. */
    public ArenaArea area() {
        return area;
    }

    /** Where {@code size} bytes at an address are in {@link #memory}, or nothing when they are not all in it. */
    public OptionalLong find(long address, int size) {
        return area.distance(address, 0, size);
    }

    @Override
    public byte[] describe(long baseAddress) {
        return MapRegion.descriptor(spec, new MapRegion.Addresses(0, baseAddress), new MapRegion.Strides(0, 0, 0));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress;
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        return 0;
    }
}

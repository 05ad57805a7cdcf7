package graft.ebpf.maps;

import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import graft.platform.layout.ArenaLayout;
import graft.platform.layout.MapConstants;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;
import java.util.Set;

/**
 * An arena: memory that programs and the daemon share, with addresses that mean the same to all of them wherever each has
 * it mapped. All its pages are there from the start, and cost nothing until they are touched; bits behind them say which ones are
 * in use, for programs that ask for pages. Those of variables are.
 */
public final class ArenaMap extends RegionMap {
    private final ArenaArea area;

    private ArenaMap(MapSpec spec, ArenaArea area) {
        super(spec, MapRegion.create(spec, area.bytes() + headerBytes(area)));
        this.area = area;
    }

    static ArenaMap create(MapSpec spec) {
        ArenaMap map = new ArenaMap(spec, ArenaArea.of(spec));
        byte[] content = spec.content().bytes();
        map.region.write(0, content, 0, content.length);
        map.region.setLong(map.area.bytes() + ArenaLayout.START, map.area.start());
        for (int page = 0; (long) page * MapConstants.PAGE < content.length; page++) {
            map.setUsed(page);
        }
        return map;
    }

    private static long headerBytes(ArenaArea area) {
        long bits = area.bytes() / MapConstants.PAGE / Byte.SIZE + Long.BYTES;
        return (MapConstants.ARENA_BITS_OFFSET + bits + MapConstants.PAGE - 1) & -MapConstants.PAGE;
    }

    private void setUsed(int page) {
        long word = area.bytes() + MapConstants.ARENA_BITS_OFFSET + (long) page / Long.SIZE * Long.BYTES;
        region.setLong(word, region.getLongAcquire(word) | 1L << page);
    }

    /** All of the memory; valid until the map is closed. */
    public MemorySegment memory() {
        return region.memory().asSlice(0, area.bytes());
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
        return MapRegion.descriptor(
                spec, new MapRegion.Addresses(baseAddress + area.bytes(), baseAddress), new MapRegion.Strides(0, 0, 0));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress;
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        long lock = area.bytes() + ArenaLayout.LOCK;
        if (!LockWord.isHeldBy(region, lock, deadTgid)) {
            return 0;
        }
        LockWord.release(region, lock);
        return 1;
    }

    @Override
    Set<Integer> lockHolders() {
        int holder = LockWord.holder(region, area.bytes() + ArenaLayout.LOCK);
        return holder == 0 ? Set.of() : Set.of(holder);
    }
}

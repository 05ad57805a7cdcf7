package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;

/** Where the memory of a new map comes from. */
@FunctionalInterface
interface MapMemory {
    /** A memfd for each map. */
    MapMemory OWN = MapRegion::create;

    /** {@code bytes}, whole pages, zeroed unless a map was in them before. */
    MapRegion region(MapSpec spec, long bytes);
}

package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;

/**
 * A map's shared memory contradicts itself: a process that maps it has written over it. What was read before is right;
 * the map must not be used any more.
 */
public final class DamagedMapException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String map;

    DamagedMapException(MapSpec spec, String what) {
        super("map " + spec.name() + ": " + what);
        this.map = spec.name();
    }

    /** The map's name. */
    public String map() {
        return map;
    }
}

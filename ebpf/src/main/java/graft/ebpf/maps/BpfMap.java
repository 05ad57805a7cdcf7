package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.NativeFd;
import java.util.List;

/**
 * A live map in shared memory. Owns the daemon's mapping and, but for a borrowed kernel array, the descriptor. Targets
 * keep their own mappings: closing a map here takes nothing from them.
 */
public sealed interface BpfMap extends AutoCloseable permits KeyedMap, RegionMap {
    /** The blueprint; sizes are those that were created. */
    MapSpec spec();

    /** The descriptor that targets map; stays owned by this map. */
    NativeFd fd();

    /** What a target maps, in ascending order of addresses and without holes. */
    List<Piece> pieces();

    /** Bytes of address space that {@link #pieces} take together. */
    long regionSize();

    /** {@code struct graft_map} for a target in which the region begins at {@code baseAddress}: 64 bytes. */
    byte[] describe(long baseAddress);

    /** Address of the first value, element or record in such a target. */
    long dataAddress(long baseAddress);

    /** Bytes from one value to the next; 0 where values are not laid out in a row. */
    int stride();

    /**
     * {@code BPF_MAP_FREEZE}: the daemon changes nothing in it from now on, and all its changes give {@code EPERM}. Programs go on
     * changing it.
     *
     * @return 0, or {@code -EPERM} when it is frozen already
     */
    int freeze();

    /** Whether it is frozen. */
    boolean isFrozen();

    /**
     * Frees the locks that a dead process left and finishes the changes that it had begun.
     *
     * @param deadTgid its process id in the initial pid namespace; it must not run any more
     * @return how many locks were freed
     */
    int releaseLocksOf(int deadTgid);

    /** Unmaps and closes. Safe to call twice. */
    @Override
    void close();
}

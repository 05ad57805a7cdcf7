package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import java.util.Set;

/** A map whose elements are those of a hash. */
abstract sealed class HashedMap extends RegionMap permits HashTable, TaskStorageMap {
    final HashCore core;

    /**
     * A map that shows the elements of a hash.
     *
     * @param spec what the map is to others; keys and values of the hash may be others
     */
    HashedMap(MapSpec spec, HashCore core) {
        this.core = core;
        super(spec, core.region());
    }

    @Override
    public final byte[] describe(long baseAddress) {
        return core.describe(baseAddress);
    }

    @Override
    public final long dataAddress(long baseAddress) {
        return baseAddress + core.geometry().elementsOffset();
    }

    @Override
    final Set<Integer> lockHolders() {
        return core.lockHolders();
    }

    @Override
    public final int releaseLocksOf(int deadTgid) {
        return core.releaseLocksOf(deadTgid);
    }
}

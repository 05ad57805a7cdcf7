package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import java.util.List;
import java.util.Optional;

/** What arrays have in common: keys are the indices, none of them can be added or removed, and there are no locks. */
abstract sealed class IndexedMap extends RegionMap implements KeyedMap permits ArrayMap, PerCpuArrayMap {
    private final ArrayIndex indices;
    private final int stride;

    IndexedMap(MapSpec spec, MapRegion region) {
        super(spec, region);
        this.indices = new ArrayIndex(spec.maxEntries());
        this.stride = (int) MapRules.stride(spec);
    }

    ArrayIndex indices() {
        return indices;
    }

    @Override
    public final long dataAddress(long baseAddress) {
        return baseAddress;
    }

    @Override
    public final int stride() {
        return stride;
    }

    @Override
    public final int delete(byte[] key) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        return -Errno.EINVAL;
    }

    @Override
    public final Optional<byte[]> firstKey() {
        return Optional.of(MapBytes.ofInt(0));
    }

    @Override
    public final Optional<byte[]> nextKey(byte[] key) {
        return indices.after(key);
    }

    @Override
    public final List<byte[]> keys() {
        return indices.all();
    }

    @Override
    public final int releaseLocksOf(int deadTgid) {
        return 0;
    }
}

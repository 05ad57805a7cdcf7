package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** What all maps have in common: each is one region, which targets map as a whole unless a type says otherwise. */
abstract sealed class RegionMap implements BpfMap
        permits IndexedMap,
                HashedMap,
                LpmTrie,
                QueueMap,
                BloomFilter,
                RingBuffer,
                PerfBuffers,
                ArenaMap,
                StackTraceMap,
                UserRingBuffer,
                MapOfMaps,
                CgroupArray {
    final MapSpec spec;
    final MapRegion region;
    private final AtomicBoolean frozen = new AtomicBoolean();

    RegionMap(MapSpec spec, MapRegion region) {
        this.spec = spec;
        this.region = region;
    }

    @Override
    public final MapSpec spec() {
        return spec;
    }

    @Override
    public final NativeFd fd() {
        return region.fd();
    }

    @Override
    public List<Piece> pieces() {
        return List.of(new Piece(region.fileOffset(), region.size(), 0, spec.access()));
    }

    @Override
    public long regionSize() {
        return region.size();
    }

    /** With the header at the region's beginning. */
    @Override
    public byte[] describe(long baseAddress) {
        return MapRegion.descriptor(
                spec,
                new MapRegion.Addresses(baseAddress, dataAddress(baseAddress)),
                new MapRegion.Strides(stride(), 0, 0));
    }

    @Override
    public final int freeze() {
        return frozen.compareAndSet(false, true) ? 0 : -Errno.EPERM;
    }

    @Override
    public final boolean isFrozen() {
        return frozen.get();
    }

    /** Nobody has it any more. */
    final void thaw() {
        frozen.set(false);
    }

    @Override
    public int stride() {
        return 0;
    }

    /** The processes that hold locks of this map now. */
    Set<Integer> lockHolders() {
        return Set.of();
    }

    @Override
    public final void close() {
        region.close();
    }
}

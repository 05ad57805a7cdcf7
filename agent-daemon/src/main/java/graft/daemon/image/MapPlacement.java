package graft.daemon.image;

import graft.attach.Injection;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.maps.ArenaMap;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BloomFilter;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.CgroupArray;
import graft.ebpf.maps.HashShape;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.LpmTrie;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.maps.PerCpuArrayMap;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.maps.Piece;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.StackTraceMap;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.maps.UserRingBuffer;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.MapLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.HugePages;
import graft.platform.linux.Sysconf;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Where the maps of a session are in one target: one after another from an address on, a page of nothing between them, so
 * that running over the end of one is a fault and not another map's data.
 */
final class MapPlacement {
    /** Types whose lookups write nothing: no mark of use, and no lock, as those in tries take when changes disturb them. */
    private static final Set<MapType> READ_BY_LOOKUPS =
            EnumSet.of(MapType.ARRAY, MapType.PERCPU_ARRAY, MapType.HASH, MapType.PERCPU_HASH);

    private final Map<BpfMap, RemoteAddress> bases = new LinkedHashMap<>();
    private final Set<String> unchanged;

    /** Places {@code maps} from {@code start} on; no program of the session changes those named {@code unchanged}. */
    MapPlacement(List<BpfMap> maps, RemoteAddress start, Set<String> unchanged) {
        this.unchanged = Set.copyOf(unchanged);
        RemoteAddress next = start;
        for (BpfMap map : maps) {
            RemoteAddress base =
                    HugePages.fit(map.regionSize()) ? new RemoteAddress(HugePages.alignUp(next.value())) : next;
            bases.put(map, base);
            next = base.plus(span(map));
        }
    }

    /** Bytes of address space that {@code maps} take at most, wherever they begin. */
    static long size(List<BpfMap> maps) {
        return maps.stream()
                .mapToLong(map -> span(map) + (HugePages.fit(map.regionSize()) ? HugePages.SIZE : 0))
                .sum();
    }

    private static long span(BpfMap map) {
        return Sysconf.wholePages(map.regionSize()) + Sysconf.pageSize();
    }

    /** What the target maps. */
    List<Injection.Region> regions() {
        List<Injection.Region> regions = new ArrayList<>();
        bases.forEach((map, base) -> {
            for (Piece piece : map.pieces()) {
                regions.add(new Injection.Region(
                        map.fd().number(),
                        piece.fileOffset(),
                        base.plus(piece.addressOffset()),
                        piece.length(),
                        protection(map.spec(), piece),
                        map.spec().name()));
            }
        });
        return regions;
    }

    /** A target that only reads a map cannot damage it. */
    private Injection.Protection protection(MapSpec map, Piece piece) {
        if (unchanged.contains(map.name()) && READ_BY_LOOKUPS.contains(map.type())) {
            return Injection.Protection.READ_ONLY;
        }
        return switch (piece.access()) {
            case READ_WRITE -> Injection.Protection.READ_WRITE;
            case READ_ONLY -> Injection.Protection.READ_ONLY;
        };
    }

    /** The descriptors that helpers take, in the order of their index. */
    List<byte[]> descriptors() {
        List<byte[]> descriptors = new ArrayList<>();
        bases.forEach((map, base) -> descriptors.add(map.describe(base.value())));
        return descriptors;
    }

    /** The index of a map's descriptor. */
    OptionalInt indexOf(String name) {
        List<BpfMap> maps = List.copyOf(bases.keySet());
        return IntStream.range(0, maps.size())
                .filter(index -> maps.get(index).spec().name().equals(name))
                .findFirst();
    }

    private static Optional<TargetBinding.Rows> rows(BpfMap map) {
        return switch (map) {
            case PerCpuArrayMap array -> Optional.of(new TargetBinding.Rows(array.cpuStride(), array.cpus()));
            case HashTable hash
            when hash.cpus() > 0 -> Optional.of(new TargetBinding.Rows(hash.cpuStride(), hash.cpus()));
            case HashTable _,
                    ArrayMap _,
                    RingBuffer _,
                    PerfBuffers _,
                    ArenaMap _,
                    QueueMap _,
                    BloomFilter _,
                    LpmTrie _,
                    MapOfMaps _,
                    TaskStorageMap _,
                    UserRingBuffer _,
                    StackTraceMap _,
                    CgroupArray _ -> Optional.empty();
        };
    }

    private static Optional<HashShape> hash(BpfMap map) {
        return map instanceof HashTable hash ? Optional.of(hash.shape()) : Optional.empty();
    }

    /** The maps as code of the pool above {@code runtime} sees them, by name. */
    Map<String, MapBinding> bindings(RemoteAddress runtime) {
        Map<String, MapBinding> bindings = new LinkedHashMap<>();
        int index = 0;
        for (Map.Entry<BpfMap, RemoteAddress> placed : bases.entrySet()) {
            BpfMap map = placed.getKey();
            long descriptor = runtime.plus(PoolConstants.DESCRIPTORS_OFFSET + (long) index * MapLayout.SIZE)
                    .value();
            bindings.put(
                    map.spec().name(),
                    new MapBinding(
                            map.spec().type(),
                            descriptor,
                            map.dataAddress(placed.getValue().value()),
                            map.spec().maxEntries(),
                            map.stride(),
                            rows(map),
                            hash(map),
                            map instanceof RingBuffer ? OptionalInt.of(index) : OptionalInt.empty()));
            index++;
        }
        return bindings;
    }
}

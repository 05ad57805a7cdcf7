package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapLayout;
import graft.platform.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * An array or a hash of maps. The maps in it are in its region, so a process that has mapped it has all of them, also those that
 * come later: putting one in is the store of its number. To bpf(2) the values are descriptors and ids; here they are the maps'
 * numbers in this map. Programs only look maps up; the daemon changes what is in it.
 */
public final class MapOfMaps extends RegionMap implements KeyedMap {
    /** {@code BPF_F_LOCK}: no number has a lock. */
    private static final long LOCK = 4;

    private final KeyedMap numbers;
    private final InnerMaps inner;
    private final InnerMaps.Places places;
    private final MapSpec template;

    private MapOfMaps(MapSpec spec, MapRegion region, InnerMaps.Places places) {
        super(spec, region);
        this.places = places;
        this.template = spec.inner().orElseThrow();
        this.inner = new InnerMaps(region, places);
        this.numbers = (KeyedMap)
                MapMaker.make(numbers(spec), (_, bytes) -> region.part(0, bytes, MapRegion.Past.NEW, () -> {}));
    }

    /** @param first maps that are to be put in, so that there is room for the largest */
    static MapOfMaps create(MapSpec spec, Collection<MapSpec> first) {
        InnerMaps.Places places = places(spec, first);
        return new MapOfMaps(spec, MapRegion.create(spec, places.end()), places);
    }

    private static InnerMaps.Places places(MapSpec spec, Collection<MapSpec> first) {
        long bytes = MapRules.regionBytes(spec.inner().orElseThrow());
        for (MapSpec map : first) {
            bytes = Math.max(bytes, MapRules.regionBytes(map));
        }
        return InnerMaps.Places.behind(MapRules.regionBytes(numbers(spec)), spec.maxEntries(), bytes);
    }

    /** The map that holds the numbers. */
    private static MapSpec numbers(MapSpec spec) {
        MapType type = spec.type() == MapType.ARRAY_OF_MAPS ? MapType.ARRAY : MapType.HASH;
        return MapSpec.of(spec.name(), type, spec.keySize(), spec.valueSize(), spec.maxEntries());
    }

    /**
     * A new empty map that can be put into this one. It is there until it is closed and no entry holds it, at most as long as this
     * map. Refused when it is not like the maps that this one was defined to hold, and when there is no room for it.
     */
    public MapCreation create(MapSpec spec) {
        Optional<MapCreation.Refused> refused = MapRules.refusal(spec)
                .or(() -> MapRules.unlike(spec, template))
                .or(() -> MapRules.regionBytes(spec) > places.bytes()
                        ? Optional.of(new MapCreation.Refused(
                                spec,
                                "it is larger than the maps that %s was defined to hold".formatted(this.spec.name()),
                                "at most max_entries %d".formatted(template.maxEntries())))
                        : Optional.empty());
        if (refused.isPresent()) {
            return refused.get();
        }
        return inner.create(spec)
                .<MapCreation>map(MapCreation.Created::new)
                .orElseGet(() -> new MapCreation.Refused(
                        spec,
                        "%s has room for %d maps".formatted(this.spec.name(), places.count()),
                        "delete entries, and close maps that are in none"));
    }

    /**
     * Puts a map in.
     *
     * @param map one that {@link #create} made
     * @return as {@link #update}; {@code EINVAL} when the map is none of this one's
     */
    public int put(byte[] key, BpfMap map, long flags) {
        int number = inner.numberOf(map);
        return number == InnerMaps.NONE ? -Errno.EINVAL : update(key, MapBytes.ofInt(number), flags);
    }

    /** The map of {@code key}, borrowed: valid while it is in this one or open. */
    public Optional<BpfMap> map(byte[] key) {
        return lookup(key).flatMap(number -> inner.numbered(MapBytes.intAt(number, 0)));
    }

    /** The number of a map in this one: what {@link #lookup} gives for its keys, or 0 when it is not in this one. */
    public int numberOf(BpfMap map) {
        return inner.numberOf(map);
    }

    /** Of 4 bytes, a number. */
    @Override
    public int valueBytes() {
        return spec.valueSize();
    }

    /** The number of the map of {@code key}. */
    @Override
    public Optional<byte[]> lookup(byte[] key) {
        return numbers.lookup(key).filter(number -> MapBytes.intAt(number, 0) != InnerMaps.NONE);
    }

    /**
     * Puts the map with a number in, of which an entry or somebody who has it open knows.
     *
     * @return 0 or a negated errno: {@code EBADF} for a number that no map has, otherwise as an array or a hash; an array takes no
     *     flags
     */
    @Override
    public synchronized int update(byte[] key, byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        MapBytes.requireSize(value, Integer.BYTES, "a map's number");
        int number = MapBytes.intAt(value, 0);
        if (isArray() ? flags != ANY : (flags & LOCK) != 0) {
            return -Errno.EINVAL;
        }
        if (isOutside(key)) {
            return -Errno.E2BIG;
        }
        if (inner.numbered(number).isEmpty()) {
            return -Errno.EBADF;
        }
        int before = held(key);
        int result = numbers.update(key, value, flags);
        if (result == 0) {
            inner.hold(number);
            inner.release(before);
        }
        return result;
    }

    @Override
    public synchronized int delete(byte[] key) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        if (isOutside(key)) {
            return -Errno.E2BIG;
        }
        int before = held(key);
        if (before == InnerMaps.NONE) {
            return -Errno.ENOENT;
        }
        int result = isArray() ? numbers.update(key, MapBytes.ofInt(InnerMaps.NONE), ANY) : numbers.delete(key);
        if (result == 0) {
            inner.release(before);
        }
        return result;
    }

    /** As {@link HashTable#lookupAndDelete}; the kernel has it in batches only. */
    synchronized int lookupAndDelete(byte[] key, byte[] value) {
        Optional<byte[]> number = lookup(key);
        number.ifPresent(found -> System.arraycopy(found, 0, value, 0, value.length));
        return number.isPresent() ? delete(key) : -Errno.ENOENT;
    }

    /** The map that holds the numbers. */
    KeyedMap numbers() {
        return numbers;
    }

    private boolean isOutside(byte[] key) {
        return isArray() && Integer.compareUnsigned(MapBytes.intAt(key, 0), spec.maxEntries()) >= 0;
    }

    private boolean isArray() {
        return spec.type() == MapType.ARRAY_OF_MAPS;
    }

    private int held(byte[] key) {
        return lookup(key).map(number -> MapBytes.intAt(number, 0)).orElse(InnerMaps.NONE);
    }

    @Override
    public Optional<byte[]> firstKey() {
        return numbers.firstKey();
    }

    @Override
    public Optional<byte[]> nextKey(byte[] key) {
        return numbers.nextKey(key);
    }

    @Override
    public List<byte[]> keys() {
        return numbers.keys();
    }

    /** Programs must not change which maps are in it. */
    @Override
    public List<Piece> pieces() {
        return List.of(
                new Piece(0, places.mapsAt(), 0, MapSpec.Access.READ_ONLY),
                new Piece(places.mapsAt(), places.end() - places.mapsAt(), places.mapsAt(), MapSpec.Access.READ_WRITE));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return numbers.dataAddress(baseAddress);
    }

    @Override
    public int stride() {
        return numbers.stride();
    }

    @Override
    public byte[] describe(long baseAddress) {
        return ByteBuffer.wrap(numbers.describe(baseAddress))
                .order(ByteOrder.nativeOrder())
                .putInt(MapLayout.TYPE, spec.type().number())
                .putLong(MapLayout.BASE, baseAddress)
                .putInt(MapLayout.CPUS, places.count())
                .putInt(MapLayout.INNER_OR_TIMER, Math.toIntExact(places.descriptorsAt()))
                .array();
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        return numbers.releaseLocksOf(deadTgid) + inner.releaseLocksOf(deadTgid);
    }
}

package graft.cli.fuzz;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.object.MapSpec;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** The same operations on a map of maps of graft's and on one of the kernel's, and on the maps that are in them. Needs root. */
final class HolderComparison implements AutoCloseable {
    /** At once, beside those in entries; a place is free for the next one then. */
    private static final int OPEN = 4;

    /** The kernel waits for all programs after each change. */
    private static final int ONE_CHANGE_OF = 32;

    private static final int UNLIKE_OF = 8;
    private static final int CLOSED_OF = 4;
    private static final int ANOTHER_KEY = 1 << 20;

    private final MapCase one;
    private final Random random;
    private final MapOfMaps ours;
    private final NativeFd kernel;
    private final MapComparison outer;
    private final List<Pair> open = new ArrayList<>();
    private final List<Pair> all = new ArrayList<>();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment key;
    private final MemorySegment value;

    HolderComparison(MapCase one, MapOfMaps ours, NativeFd kernel) {
        this.one = one;
        this.random = new Random(one.seed() + 1);
        this.ours = ours;
        this.kernel = kernel;
        this.outer = new MapComparison(one, ours, kernel);
        this.key = arena.allocate(one.spec().keySize(), 8);
        this.value = arena.allocate(Integer.BYTES, 4);
    }

    /** A map of ours and the one of the kernel that gets the same. */
    private record Pair(BpfMap ours, NativeFd kernel, int id, MapComparison comparison) {}

    /** What differs in so many operations, or nothing. */
    Optional<String> compare(int operations) {
        for (int i = 0; i < operations; i++) {
            Optional<String> difference = operation();
            if (difference.isPresent()) {
                return Optional.of("%s, operation %d: %s".formatted(one, i, difference.get()));
            }
        }
        return outer.end();
    }

    private Optional<String> operation() {
        byte[] wanted = outer.key();
        key.copyFrom(MemorySegment.ofArray(wanted));
        return switch (random.nextInt(ONE_CHANGE_OF)) {
            case 0, 1 -> put(wanted);
            case 2 -> MapComparison.same("delete", ours.delete(wanted), Bpf.mapDelete(kernel, key));
            case 3 -> badNumber(wanted);
            case 4 -> outer.deletedOrWalked();
            default -> inside(wanted);
        };
    }

    private Optional<String> put(byte[] wanted) {
        if (random.nextInt(UNLIKE_OF) == 0) {
            return unlike();
        }
        if (open.size() == OPEN || !open.isEmpty() && random.nextInt(CLOSED_OF) == 0) {
            open.remove(random.nextInt(open.size())).ours().close();
        }
        if (open.isEmpty() || random.nextBoolean()) {
            Optional<String> difference = create();
            if (difference.isPresent()) {
                return difference;
            }
        }
        Pair pair = open.get(random.nextInt(open.size()));
        long flags = outer.flags();
        int result = ours.put(wanted, pair.ours(), flags);
        return MapComparison.same("put " + flags, result, kernelPut(pair.kernel(), flags));
    }

    private int kernelPut(NativeFd inner, long flags) {
        value.set(ValueLayout.JAVA_INT, 0, inner.number());
        return Bpf.mapUpdate(kernel, key, value, flags);
    }

    private Optional<String> create() {
        MapSpec like = one.spec().inner().orElseThrow();
        return switch (ours.create(like)) {
            case MapCreation.Refused refused -> Optional.of("a map like those in it: " + refused);
            case MapCreation.Created(var map) -> {
                NativeFd there = MapComparison.create(like).orElseThrow();
                MapCase inner = new MapCase(random.nextInt(ANOTHER_KEY), like, like.maxEntries() * 2);
                Pair pair = new Pair(map, there, Bpf.mapId(there), new MapComparison(inner, map, there));
                open.add(pair);
                all.add(pair);
                yield Optional.empty();
            }
        };
    }

    /** One that is not like those in it: the kernel does not take it, and we make none. */
    private Optional<String> unlike() {
        MapSpec like = one.spec().inner().orElseThrow();
        MapSpec other = like.sized(like.keySize(), like.valueSize() + Long.BYTES, like.maxEntries());
        Optional<NativeFd> there = MapComparison.create(other);
        if (there.isEmpty()) {
            return Optional.empty();
        }
        try (NativeFd inner = there.get()) {
            boolean refused = ours.create(other) instanceof MapCreation.Refused;
            int errno = kernelPut(inner, KeyedMap.ANY);
            return refused == (errno != 0)
                    ? Optional.empty()
                    : Optional.of("%s is refused: %b, in the kernel %d".formatted(other, refused, -errno));
        }
    }

    private Optional<String> badNumber(byte[] wanted) {
        value.set(ValueLayout.JAVA_INT, 0, Integer.MAX_VALUE);
        long flags = outer.flags();
        int errno = Bpf.mapUpdate(kernel, key, value, flags);
        return MapComparison.same("no map " + flags, ours.update(wanted, number(Integer.MAX_VALUE), flags), errno);
    }

    private static byte[] number(int number) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(number)
                .array();
    }

    /** An operation on the map of a key, if both have the same one. */
    private Optional<String> inside(byte[] wanted) {
        Optional<BpfMap> here = ours.map(wanted);
        int errno = Bpf.mapLookup(kernel, key, value);
        Optional<Pair> found = here.flatMap(
                map -> all.stream().filter(pair -> pair.ours() == map).findFirst());
        int id = errno == 0 ? value.get(ValueLayout.JAVA_INT, 0) : 0;
        if (here.isPresent() != found.isPresent() || found.map(Pair::id).orElse(0) != id) {
            return Optional.of("lookup gives %s, in the kernel map %d (%d)".formatted(found, id, -errno));
        }
        return found.flatMap(pair -> pair.comparison().operation().or(pair.comparison()::end));
    }

    @Override
    public void close() {
        all.forEach(pair -> pair.comparison().close());
        outer.close();
        arena.close();
    }
}

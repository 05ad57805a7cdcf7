package graft.cli.fuzz;

import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BloomFilter;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.CgroupArray;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.LpmTrie;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SysException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** The same operations on a map of graft's and on one of the kernel's, by bpf(2). Needs root. */
final class MapComparison implements AutoCloseable {
    private static final int FROZEN = 20;
    private static final Set<MapType> REACHED_BY_ERRNOS =
            EnumSet.of(MapType.PROG_ARRAY, MapType.RINGBUF, MapType.USER_RINGBUF, MapType.ARENA);

    private final MapCase one;
    private final Random random;
    private final BpfMap ours;
    private final NativeFd kernel;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment key;
    private final MemorySegment value;
    private final Optional<BatchComparison> batches;
    private final Optional<GroupDescriptors> groups;

    MapComparison(MapCase one, BpfMap ours, NativeFd kernel) {
        this.one = one;
        this.random = new Random(~one.seed());
        this.ours = ours;
        this.kernel = kernel;
        this.key = one.spec().keySize() == 0
                ? MemorySegment.NULL
                : arena.allocate(one.spec().keySize(), 8);
        this.value = arena.allocate(valueBytes(), 8);
        this.batches = ours instanceof KeyedMap map
                ? Optional.of(new BatchComparison(map, kernel, one.spec().maxEntries(), random))
                : Optional.empty();
        this.groups = ours instanceof CgroupArray ? Optional.of(new GroupDescriptors()) : Optional.empty();
    }

    /** What differs in {@code operations} on the map of a case, or nothing. */
    static Optional<String> run(MapCase one, int operations) {
        Optional<NativeFd> kernel = create(one.spec());
        return switch (MapCreation.create(one.spec())) {
            case MapCreation.Refused refused -> {
                kernel.ifPresent(NativeFd::close);
                yield kernel.map(_ -> one + ": only the kernel creates it, here " + refused);
            }
            case MapCreation.Created(var map) -> {
                if (kernel.isEmpty()) {
                    map.close();
                    yield Optional.of(one + ": the kernel does not create it");
                }
                if (map instanceof MapOfMaps maps) {
                    try (HolderComparison comparison = new HolderComparison(one, maps, kernel.get())) {
                        yield comparison.compare(operations);
                    }
                }
                if (map instanceof TaskStorageMap storage) {
                    try (StorageComparison comparison = new StorageComparison(one, storage, kernel.get())) {
                        yield comparison.compare(operations);
                    }
                }
                if (REACHED_BY_ERRNOS.contains(one.spec().type())) {
                    try (AccessComparison comparison = new AccessComparison(one, map, kernel.get())) {
                        yield comparison.compare(operations);
                    }
                }
                try (MapComparison comparison = new MapComparison(one, map, kernel.get())) {
                    yield comparison.compare(operations);
                }
            }
        };
    }

    /** The kernel's map of a blueprint, or nothing when it creates none. */
    static Optional<NativeFd> create(MapSpec spec) {
        Optional<NativeFd> types =
                spec.keyType().isPresent() ? Optional.of(StorageComparison.types(spec)) : Optional.empty();
        Bpf.MapAttributes attributes = new Bpf.MapAttributes(
                spec.name(),
                spec.type().number(),
                spec.keySize(),
                spec.valueSize(),
                spec.maxEntries(),
                spec.flags(),
                types.map(NativeFd::number).orElse(0),
                spec.keyType().orElse(0),
                spec.valueType().orElse(0),
                spec.extra());
        Optional<NativeFd> inner = spec.inner().flatMap(MapComparison::create);
        try {
            return Optional.of(Bpf.mapCreate(
                    inner.map(like -> attributes.holding(like.number())).orElse(attributes)));
        } catch (SysException refused) {
            return Optional.empty();
        } finally {
            inner.ifPresent(NativeFd::close);
            types.ifPresent(NativeFd::close);
        }
    }

    private Optional<String> compare(int operations) {
        for (int i = 0; i < operations; i++) {
            Optional<String> difference = operation();
            if (difference.isPresent()) {
                return Optional.of("%s, operation %d: %s".formatted(one, i, difference.get()));
            }
        }
        return end().or(this::frozen);
    }

    /** Nothing can be changed from here on, and everything be looked at. */
    private Optional<String> frozen() {
        Optional<String> difference = same("freeze", ours.freeze(), Bpf.tryMapFreeze(kernel));
        for (int i = 0; i < FROZEN && difference.isEmpty(); i++) {
            difference = operation();
        }
        return difference
                .or(() -> same("freeze again", ours.freeze(), Bpf.tryMapFreeze(kernel)))
                .or(this::end)
                .map(text -> one + ", frozen: " + text);
    }

    /** What differs in one random operation. */
    Optional<String> operation() {
        return switch (ours) {
            case KeyedMap map -> keyed(map);
            case QueueMap map -> queued(map);
            case BloomFilter map -> filtered(map);
            case graft.ebpf.maps.RingBuffer _,
                    graft.ebpf.maps.PerfBuffers _,
                    graft.ebpf.maps.ArenaMap _,
                    TaskStorageMap _,
                    graft.ebpf.maps.UserRingBuffer _ -> Optional.of("has no operations");
        };
    }

    /** What differs in one operation on many elements that needs no values. */
    Optional<String> deletedOrWalked() {
        BatchComparison batch = batches.orElseThrow();
        return random.nextBoolean() ? batch.deleted(this::key) : batch.walked();
    }

    /** What differs in the keys. */
    Optional<String> end() {
        return ours instanceof KeyedMap map ? sameKeys(map) : Optional.empty();
    }

    private Optional<String> keyed(KeyedMap map) {
        byte[] wanted = key();
        key.copyFrom(MemorySegment.ofArray(wanted));
        return switch (random.nextInt(9)) {
            case 8 -> batches.orElseThrow().operation(this::key, this::value);
            case 0, 1 -> lookedUp("lookup", map.lookup(wanted), Bpf.mapLookup(kernel, key, value));
            case 2, 3, 4, 5 -> {
                byte[] next = value();
                value.copyFrom(MemorySegment.ofArray(next));
                long flags = flags();
                yield same(
                        "update " + flags, map.update(wanted, next, flags), Bpf.mapUpdate(kernel, key, value, flags));
            }
            case 6 -> same("delete", map.delete(wanted), Bpf.mapDelete(kernel, key));
            default -> taken(map, wanted);
        };
    }

    private Optional<String> taken(KeyedMap map, byte[] wanted) {
        return switch (map) {
            case HashTable hash -> {
                byte[] last = new byte[valueBytes()];
                int result = hash.lookupAndDelete(wanted, last);
                int errno = Bpf.mapLookupAndDelete(kernel, key, value);
                yield same("lookup and delete", result, errno)
                        .or(() -> errno == 0
                                ? lookedUp("lookup and delete", Optional.of(last), errno)
                                : Optional.empty());
            }
            default -> lookedUp("lookup", map.lookup(wanted), Bpf.mapLookup(kernel, key, value)); // arrays
        };
    }

    private Optional<String> queued(QueueMap map) {
        return switch (random.nextInt(5)) {
            case 0, 1 -> {
                byte[] next = value();
                value.copyFrom(MemorySegment.ofArray(next));
                long flags = flags();
                yield same("push " + flags, map.push(next, flags), Bpf.mapUpdate(kernel, key, value, flags));
            }
            case 2 -> lookedUp("peek", map.peek(), Bpf.mapLookup(kernel, key, value));
            default -> lookedUp("pop", map.pop(), Bpf.mapLookupAndDelete(kernel, key, value));
        };
    }

    /** What was added is there; what was not may be in one of them by chance. */
    private Optional<String> filtered(BloomFilter map) {
        byte[] added = value();
        value.copyFrom(MemorySegment.ofArray(added));
        long flags = flags();
        Optional<String> difference =
                same("add " + flags, map.add(added, flags), Bpf.mapUpdate(kernel, key, value, flags));
        if (difference.isPresent() || flags != KeyedMap.ANY || map.isFrozen()) {
            return difference;
        }
        boolean kernels = Bpf.mapLookup(kernel, key, value) == 0;
        return map.mayContain(added) && kernels ? Optional.empty() : Optional.of("an added value is not there");
    }

    static Optional<String> same(String operation, int ours, int errno) {
        return ours == -errno
                ? Optional.empty()
                : Optional.of("%s gives %d, in the kernel %d".formatted(operation, ours, -errno));
    }

    private Optional<String> lookedUp(String operation, Optional<byte[]> ours, int errno) {
        Optional<String> here = ours.map(HexFormat.of()::formatHex);
        Optional<String> there = errno == 0
                ? Optional.of(HexFormat.of().formatHex(value.toArray(ValueLayout.JAVA_BYTE)))
                : Optional.empty();
        return here.equals(there)
                ? Optional.empty()
                : Optional.of("%s gives %s, in the kernel %s (%d)".formatted(operation, here, there, -errno));
    }

    /** Walks both maps by their next keys. */
    private Optional<String> sameKeys(KeyedMap map) {
        List<String> walked = new ArrayList<>();
        for (var next = map.firstKey(); next.isPresent(); next = map.nextKey(next.get())) {
            walked.add(HexFormat.of().formatHex(next.get()));
        }
        List<String> kernels = new ArrayList<>();
        MemorySegment next = arena.allocate(key.byteSize(), 8);
        for (int errno = Bpf.mapNextKey(kernel, MemorySegment.NULL, next);
                errno == 0;
                errno = Bpf.mapNextKey(kernel, key, next)) {
            key.copyFrom(next);
            kernels.add(HexFormat.of().formatHex(next.toArray(ValueLayout.JAVA_BYTE)));
        }
        if (map instanceof LpmTrie && !walked.equals(kernels)) {
            return Optional.of("%s: in another order: %s, in the kernel %s".formatted(one, walked, kernels));
        }
        boolean same = walked.size() == kernels.size() && new TreeSet<>(walked).equals(new TreeSet<>(kernels));
        return same ? Optional.empty() : Optional.of("%s: keys %s, in the kernel %s".formatted(one, walked, kernels));
    }

    /** One of few, which differ in their first bytes, in their last one, or in all. */
    byte[] key() {
        byte[] bytes = new byte[one.spec().keySize()];
        int number = random.nextInt(one.keys());
        if (ours instanceof LpmTrie) {
            return prefix(bytes, number);
        }
        if (ours instanceof ArrayMap || bytes.length == Integer.BYTES || one.seed() % 3 == 0) {
            for (int i = 0; i < Math.min(bytes.length, Integer.BYTES); i++) {
                bytes[i] = (byte) (number >> Byte.SIZE * i);
            }
        } else if (one.seed() % 3 == 1) {
            bytes[bytes.length - 1] = (byte) number;
        } else {
            java.util.Arrays.fill(bytes, (byte) number);
        }
        return bytes;
    }

    /** Of any length and one more; many have one beginning. */
    private byte[] prefix(byte[] bytes, int number) {
        int most = (bytes.length - Integer.BYTES) * Byte.SIZE;
        int length = random.nextInt(4) == 0 ? most : random.nextInt(Math.min(most, 20) + 2);
        bytes[0] = (byte) length;
        bytes[1] = (byte) (length >> Byte.SIZE);
        bytes[bytes.length - 1] = (byte) random.nextInt(2);
        bytes[Integer.BYTES] = (byte) number;
        if (bytes.length > Integer.BYTES + 1) {
            bytes[Integer.BYTES + 1] = (byte) random.nextInt();
        }
        return bytes;
    }

    /** Mostly those that do something. */
    long flags() {
        return random.nextInt(20) == 0 ? 1L << random.nextInt(8) : random.nextInt(3);
    }

    private int valueBytes() {
        return ours instanceof KeyedMap map ? map.valueBytes() : one.spec().valueSize();
    }

    /** With zeros between the values of processors: the kernel copies them too, and does not keep them. */
    private byte[] value() {
        if (groups.isPresent()) {
            return groups.get().any(random);
        }
        byte[] bytes = new byte[valueBytes()];
        random.nextBytes(bytes);
        int size = one.spec().valueSize();
        int stride = size + 7 & -8;
        for (int at = size; bytes.length > size && at < bytes.length; at++) {
            if (at % stride >= size) {
                bytes[at] = 0;
            }
        }
        return bytes;
    }

    @Override
    public void close() {
        batches.ifPresent(BatchComparison::close);
        groups.ifPresent(GroupDescriptors::close);
        ours.close();
        kernel.close();
        arena.close();
    }
}

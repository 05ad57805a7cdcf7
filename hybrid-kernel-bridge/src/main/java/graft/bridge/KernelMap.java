package graft.bridge;

import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.SysException;
import graft.platform.linux.Sysconf;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A map in the kernel. Owns its descriptor. */
public final class KernelMap implements AutoCloseable {
    private final MapSpec spec;
    private final NativeFd fd;
    private Optional<SharedRegion> arena = Optional.empty();

    private KernelMap(MapSpec spec, NativeFd fd) {
        this.spec = spec;
        this.fd = fd;
    }

    /**
     * Creates a map, fills it when it is global data, and freezes it when programs only read it.
     *
     * @param btf the descriptor of the object's BTF in the kernel, if it was accepted
     * @throws SysException when the kernel refuses
     */
    public static KernelMap create(MapSpec spec, Optional<NativeFd> btf) {
        boolean typed = btf.isPresent()
                && spec.valueType().isPresent()
                && spec.type() != MapType.RINGBUF
                && spec.content().isEmpty();
        NativeFd fd = spec.inner().isPresent()
                ? holder(spec, spec.inner().get())
                : typed ? typed(spec, btf.orElseThrow()) : Bpf.mapCreate(attributes(spec, 0, 0, 0));
        KernelMap map = new KernelMap(spec, fd);
        try {
            map.fill();
            return map;
        } catch (SysException failed) {
            map.close();
            throw failed;
        }
    }

    /** A map of maps; the one that says what they are like may go again. */
    private static NativeFd holder(MapSpec spec, MapSpec inner) {
        try (KernelMap like = create(inner, Optional.empty())) {
            return Bpf.mapCreate(attributes(spec, 0, 0, 0).holding(like.fd().number()));
        }
    }

    private void fill() {
        if (spec.type() == MapType.ARENA) {
            long bytes = ArenaArea.of(spec).bytes();
            SharedRegion memory = SharedRegion.mapAt(fd, spec.extra(), bytes, SharedRegion.Access.READ_WRITE);
            arena = Optional.of(memory);
            byte[] first = spec.content().bytes();
            MemorySegment.copy(first, 0, memory.segment(), ValueLayout.JAVA_BYTE, 0, first.length);
            return;
        }
        if (!spec.content().isEmpty()) {
            update(new byte[Integer.BYTES], spec.content().bytes(), 0);
        }
        if (spec.access() == MapSpec.Access.READ_ONLY) {
            Bpf.mapFreeze(fd);
        }
    }

    /** With types when the kernel takes them for this kind of map, otherwise without. */
    private static NativeFd typed(MapSpec spec, NativeFd btf) {
        int key = spec.keyType().orElse(0);
        int value = spec.valueType().orElse(0);
        try {
            return Bpf.mapCreate(attributes(spec, btf.number(), key, value));
        } catch (SysException _) {
            return Bpf.mapCreate(attributes(spec, 0, 0, 0));
        }
    }

    private static Bpf.MapAttributes attributes(MapSpec spec, int btf, int keyType, int valueType) {
        return new Bpf.MapAttributes(
                spec.name(),
                spec.type().number(),
                spec.keySize(),
                spec.valueSize(),
                spec.maxEntries(),
                spec.flags(),
                btf,
                keyType,
                valueType,
                spec.extra());
    }

    /** The memory of an arena, at the addresses that programs keep in it; its pages come to be when they are touched. */
    public Optional<MemorySegment> arena() {
        return arena.map(SharedRegion::segment);
    }

    /** The blueprint it was created from. */
    public MapSpec spec() {
        return spec;
    }

    /** The descriptor; stays owned by this map. */
    public NativeFd fd() {
        return fd;
    }

    /** Bytes of a value as bpf(2) copies it: per-CPU maps give one value for each possible CPU, each padded to 8. */
    public int lookupSize() {
        return switch (spec.type()) {
            case PERCPU_ARRAY, PERCPU_HASH, LRU_PERCPU_HASH -> stride() * Sysconf.possibleCpus();
            default -> spec.valueSize();
        };
    }

    /** Value size rounded up to 8: the distance of array values in memory. */
    public int stride() {
        return (spec.valueSize() + 7) & -8;
    }

    /** The value of {@code key}, or nothing. */
    public Optional<byte[]> lookup(byte[] key) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(lookupSize(), 8);
            int errno = Bpf.mapLookup(fd, segment(arena, key), value);
            if (errno == Errno.ENOENT) {
                return Optional.empty();
            }
            check(errno, "BPF_MAP_LOOKUP_ELEM");
            return Optional.of(value.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** Sets a value; {@code flags} as in bpf(2). */
    public void update(byte[] key, byte[] value, long flags) {
        try (Arena arena = Arena.ofConfined()) {
            check(Bpf.mapUpdate(fd, segment(arena, key), segment(arena, value), flags), "BPF_MAP_UPDATE_ELEM");
        }
    }

    /** Removes a key, if it is there: a program in the kernel may have removed it just now. */
    public void delete(byte[] key) {
        try (Arena arena = Arena.ofConfined()) {
            int errno = Bpf.mapDelete(fd, segment(arena, key));
            if (errno != Errno.ENOENT) {
                check(errno, "BPF_MAP_DELETE_ELEM");
            }
        }
    }

    /** All keys at about this moment. */
    public List<byte[]> keys() {
        try (Arena arena = Arena.ofConfined()) {
            List<byte[]> keys = new ArrayList<>();
            MemorySegment next = arena.allocate(spec.keySize(), 8);
            MemorySegment key = arena.allocate(spec.keySize(), 8);
            int errno = Bpf.mapNextKey(fd, MemorySegment.NULL, next);
            while (errno == 0) {
                keys.add(next.toArray(ValueLayout.JAVA_BYTE));
                key.copyFrom(next);
                errno = Bpf.mapNextKey(fd, key, next);
            }
            if (errno != Errno.ENOENT) {
                check(errno, "BPF_MAP_GET_NEXT_KEY");
            }
            return keys;
        }
    }

    /** Bytes of memory that {@link #share} maps. */
    public long sharedSize() {
        return Sysconf.wholePages((long) stride() * spec.maxEntries());
    }

    /**
     * Maps the values of an array that was created with {@link MapSpec#MMAPABLE}: kernel programs, this process and
     * every process that maps {@link #fd} see the same memory. Value i is at {@code i * stride()}.
     */
    public SharedRegion share() {
        return SharedRegion.map(fd, sharedSize(), SharedRegion.Access.READ_WRITE);
    }

    private static MemorySegment segment(Arena arena, byte[] bytes) {
        MemorySegment segment = arena.allocate(Math.max(bytes.length, 1), 8);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    private void check(int errno, String command) {
        if (errno != 0) {
            throw new SysException("bpf(" + command + ")", errno, "kernel map " + spec.name());
        }
    }

    @Override
    public void close() {
        arena.ifPresent(SharedRegion::close);
        fd.close();
    }
}

package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * {@code linux/bpf.h}: the commands of bpf(2) that graft uses, one method each. Attributes are laid out as in
 * {@code union bpf_attr}.
 */
public final class Bpf {
    private static final int MAP_CREATE = 0;
    private static final int MAP_LOOKUP_ELEM = 1;
    private static final int MAP_UPDATE_ELEM = 2;
    private static final int MAP_DELETE_ELEM = 3;
    private static final int MAP_GET_NEXT_KEY = 4;
    private static final int PROG_LOAD = 5;
    private static final int PROG_TEST_RUN = 10;
    private static final int RAW_TRACEPOINT_OPEN = 17;
    private static final int BTF_LOAD = 18;
    private static final int OBJ_GET_INFO_BY_FD = 15;
    private static final int MAP_LOOKUP_AND_DELETE_ELEM = 21;
    private static final int MAP_FREEZE = 22;
    private static final int MAP_LOOKUP_BATCH = 24;
    private static final int MAP_LOOKUP_AND_DELETE_BATCH = 25;
    private static final int MAP_UPDATE_BATCH = 26;
    private static final int MAP_DELETE_BATCH = 27;
    private static final int LINK_CREATE = 28;

    /** {@code BPF_PROG_TYPE_SOCKET_FILTER}: any result is allowed, and test runs can be repeated. */
    public static final int PROG_TYPE_SOCKET_FILTER = 1;

    /** {@code BPF_PROG_TYPE_KPROBE}, the type of uprobe programs too. */
    public static final int PROG_TYPE_KPROBE = 2;

    /** {@code BPF_PROG_TYPE_TRACEPOINT}. */
    public static final int PROG_TYPE_TRACEPOINT = 5;

    /** {@code BPF_PROG_TYPE_XDP}: the type that is easiest to test-run. */
    public static final int PROG_TYPE_XDP = 6;

    /** {@code BPF_PROG_TYPE_RAW_TRACEPOINT}. */
    public static final int PROG_TYPE_RAW_TRACEPOINT = 17;

    /** {@code BPF_PROG_TYPE_SYSCALL}: any result is allowed, and the context is memory of the caller's choice. */
    public static final int PROG_TYPE_SYSCALL = 31;

    /** {@code BPF_F_SLEEPABLE}: the program may call helpers that sleep. Programs of that type must have it. */
    public static final int SLEEPABLE = 1 << 4;

    /** {@code BPF_PERF_EVENT}: a link of a program to a perf event. */
    private static final int ATTACH_PERF_EVENT = 41;

    private static final int LOAD_ATTEMPTS = 5;
    private static final int ATTR_SIZE = 144;

    /** {@code expected_attach_type} of programs that may be attached to many places of user space at once. */
    public enum AttachType {
        /** Any other program. */
        NONE(0),
        /** {@code BPF_TRACE_UPROBE_MULTI}. */
        UPROBE_MULTI(48),
        /** {@code BPF_TRACE_UPROBE_SESSION}. */
        UPROBE_SESSION(57);

        private final int number;

        AttachType(int number) {
            this.number = number;
        }
    }

    /** {@code BPF_F_UPROBE_MULTI_RETURN}. */
    private static final int MULTI_RETURN = 1;

    private static final int NAME_LENGTH = 15;

    /** The type and the id of a map. */
    private static final int INFO_HEAD = 8;

    private Bpf() {}

    /**
     * What a map is created from.
     *
     * @param btf a BTF object's descriptor, or 0
     * @param keyType BTF id, 0 without
     * @param valueType BTF id, 0 without
     * @param inner of a map of maps: the descriptor of a map that those in it are like, or 0
     */
    public record MapAttributes(
            String name,
            int type,
            int keySize,
            int valueSize,
            int maxEntries,
            int flags,
            int btf,
            int keyType,
            int valueType,
            long extra,
            int inner) {
        /** Of no maps. */
        public MapAttributes(
                String name,
                int type,
                int keySize,
                int valueSize,
                int maxEntries,
                int flags,
                int btf,
                int keyType,
                int valueType,
                long extra) {
            this(name, type, keySize, valueSize, maxEntries, flags, btf, keyType, valueType, extra, 0);
        }

        /** The same for a map whose values are maps like the one with a descriptor. */
        public MapAttributes holding(int descriptor) {
            return new MapAttributes(
                    name, type, keySize, valueSize, maxEntries, flags, btf, keyType, valueType, extra, descriptor);
        }

        /** Without {@code map_extra}. */
        public MapAttributes(
                String name,
                int type,
                int keySize,
                int valueSize,
                int maxEntries,
                int flags,
                int btf,
                int keyType,
                int valueType) {
            this(name, type, keySize, valueSize, maxEntries, flags, btf, keyType, valueType, 0);
        }
    }

    /** {@code BPF_MAP_CREATE}. */
    public static NativeFd mapCreate(MapAttributes map) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, map.type());
            attr.set(JAVA_INT, 4, map.keySize());
            attr.set(JAVA_INT, 8, map.valueSize());
            attr.set(JAVA_INT, 12, map.maxEntries());
            attr.set(JAVA_INT, 16, map.flags());
            name(attr.asSlice(28, NAME_LENGTH), map.name());
            attr.set(JAVA_INT, 20, map.inner());
            attr.set(JAVA_LONG, 64, map.extra());
            if (map.btf() != 0) {
                attr.set(JAVA_INT, 48, map.btf());
                attr.set(JAVA_INT, 52, map.keyType());
                attr.set(JAVA_INT, 56, map.valueType());
            }
            return new NativeFd((int) call(MAP_CREATE, attr, "creating kernel map " + map.name()), "map " + map.name());
        }
    }

    /** {@code BPF_MAP_LOOKUP_ELEM}: fills {@code value}; 0 or the errno. */
    public static int mapLookup(NativeFd map, MemorySegment key, MemorySegment value) {
        return element(MAP_LOOKUP_ELEM, map, key, value, 0);
    }

    /** {@code BPF_MAP_UPDATE_ELEM}; 0 or the errno. */
    public static int mapUpdate(NativeFd map, MemorySegment key, MemorySegment value, long flags) {
        return element(MAP_UPDATE_ELEM, map, key, value, flags);
    }

    /** {@code BPF_MAP_DELETE_ELEM}; 0 or the errno. */
    public static int mapDelete(NativeFd map, MemorySegment key) {
        return element(MAP_DELETE_ELEM, map, key, MemorySegment.NULL, 0);
    }

    /** {@code BPF_MAP_LOOKUP_AND_DELETE_ELEM}: fills {@code value}; 0 or the errno. */
    public static int mapLookupAndDelete(NativeFd map, MemorySegment key, MemorySegment value) {
        return element(MAP_LOOKUP_AND_DELETE_ELEM, map, key, value, 0);
    }

    /** {@code BPF_MAP_GET_NEXT_KEY}: the first key for a null segment; 0 or the errno. */
    public static int mapNextKey(NativeFd map, MemorySegment key, MemorySegment next) {
        return element(MAP_GET_NEXT_KEY, map, key, next, 0);
    }

    /** {@code BPF_OBJ_GET_INFO_BY_FD}: the number that the kernel knows a map by, as lookups in maps of maps give it. */
    public static int mapId(NativeFd map) {
        return id(map);
    }

    /** The same for a program, as lookups in arrays of programs give it. */
    public static int progId(NativeFd prog) {
        return id(prog);
    }

    /** {@code struct bpf_map_info} and {@code struct bpf_prog_info} begin with the type and the id. */
    private static int id(NativeFd object) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(INFO_HEAD, 8);
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, object.number());
            attr.set(JAVA_INT, 4, (int) info.byteSize());
            attr.set(JAVA_LONG, 8, info.address());
            call(OBJ_GET_INFO_BY_FD, attr, "asking for the id of " + object);
            return info.get(JAVA_INT, 4);
        }
    }

    private static int element(int command, NativeFd map, MemorySegment key, MemorySegment value, long flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, map.number());
            attr.set(JAVA_LONG, 8, key.address());
            attr.set(JAVA_LONG, 16, value.address());
            attr.set(JAVA_LONG, 24, flags);
            long result = Syscall.BPF.raw(command, attr.address(), ATTR_SIZE, 0, 0, 0);
            return result < 0 ? (int) -result : 0;
        }
    }

    /** Operations on many elements of a map. */
    public enum BatchCommand {
        /** {@code BPF_MAP_LOOKUP_BATCH}. */
        LOOKUP(MAP_LOOKUP_BATCH),
        /** {@code BPF_MAP_LOOKUP_AND_DELETE_BATCH}. */
        LOOKUP_AND_DELETE(MAP_LOOKUP_AND_DELETE_BATCH),
        /** {@code BPF_MAP_UPDATE_BATCH}. */
        UPDATE(MAP_UPDATE_BATCH),
        /** {@code BPF_MAP_DELETE_BATCH}. */
        DELETE(MAP_DELETE_BATCH);

        private final int number;

        BatchCommand(int number) {
            this.number = number;
        }
    }

    /**
     * The memory of a batch.
     *
     * @param from where an earlier one ended, or null
     * @param next filled with where this one ends
     */
    public record Batch(MemorySegment from, MemorySegment next, MemorySegment keys, MemorySegment values, int count) {}

    /** What came of a batch: 0 or the errno, and how many elements. */
    public record BatchResult(int errno, int count) {}

    /** {@code BPF_MAP_*_BATCH}. */
    public static BatchResult mapBatch(BatchCommand command, NativeFd map, Batch batch) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_LONG, 0, batch.from().address());
            attr.set(JAVA_LONG, 8, batch.next().address());
            attr.set(JAVA_LONG, 16, batch.keys().address());
            attr.set(JAVA_LONG, 24, batch.values().address());
            attr.set(JAVA_INT, 32, batch.count());
            attr.set(JAVA_INT, 36, map.number());
            long result = Syscall.BPF.raw(command.number, attr.address(), ATTR_SIZE, 0, 0, 0);
            return new BatchResult(result < 0 ? (int) -result : 0, attr.get(JAVA_INT, 32));
        }
    }

    /** {@code BPF_MAP_FREEZE}: 0 or the errno. */
    public static int tryMapFreeze(NativeFd map) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, map.number());
            long result = Syscall.BPF.raw(MAP_FREEZE, attr.address(), ATTR_SIZE, 0, 0, 0);
            return result < 0 ? (int) -result : 0;
        }
    }

    /** {@code BPF_MAP_FREEZE}: user space cannot write from now on. */
    public static void mapFreeze(NativeFd map) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, map.number());
            call(MAP_FREEZE, attr, "freezing " + map);
        }
    }

    /** {@code BPF_BTF_LOAD}. */
    public static NativeFd btfLoad(byte[] btf) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(
                    JAVA_LONG,
                    0,
                    arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, btf)
                            .address());
            attr.set(JAVA_INT, 16, btf.length);
            return new NativeFd((int) call(BTF_LOAD, attr, "loading BTF"), "BTF");
        }
    }

    /**
     * What a program is loaded from.
     *
     * @param insns encoded instructions
     * @param types what the types of its functions are
     * @param attachType how it will be attached
     * @param flags {@code BPF_F_*}
     */
    public record ProgAttributes(
            String name,
            int type,
            byte[] insns,
            String license,
            FunctionTypes types,
            AttachType attachType,
            int flags) {
        /** A program without flags, but those that its type needs. */
        public ProgAttributes(
                String name, int type, byte[] insns, String license, FunctionTypes types, AttachType attachType) {
            this(name, type, insns, license, types, attachType, type == PROG_TYPE_SYSCALL ? SLEEPABLE : 0);
        }

        /** A program without a special way of attaching. */
        public ProgAttributes(String name, int type, byte[] insns, String license, FunctionTypes types) {
            this(name, type, insns, license, types, AttachType.NONE);
        }
    }

    /**
     * The types of a program's functions: callbacks and global functions need them.
     *
     * @param btf a BTF object's descriptor, or 0
     * @param records pairs of first slot and BTF id, in order
     */
    public record FunctionTypes(int btf, int[] records) {
        public static final FunctionTypes NONE = new FunctionTypes(0, new int[0]);
    }

    /** {@code BPF_PROG_LOAD} without a log. */
    public static NativeFd progLoad(ProgAttributes prog) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = prog(arena, prog);
            String doing = "loading program " + prog.name() + " into the kernel";
            // A signal ends the verifier's walk, as other calls are ended with EINTR.
            for (int attempt = 1; attempt < LOAD_ATTEMPTS; attempt++) {
                long fd = Syscall.BPF.raw(PROG_LOAD, attr.address(), ATTR_SIZE, 0, 0, 0);
                if (fd >= 0) {
                    return new NativeFd((int) fd, "program " + prog.name());
                }
                if (fd != -Errno.EAGAIN) {
                    throw new SysException("bpf", (int) -fd, doing);
                }
            }
            return new NativeFd((int) call(PROG_LOAD, attr, doing), "program " + prog.name());
        }
    }

    /** Loads again for the verifier's log; what was loaded is closed. The log is cut at {@code bytes}. */
    public static String progLog(ProgAttributes prog, int bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = prog(arena, prog);
            MemorySegment log = arena.allocate(bytes);
            attr.set(JAVA_INT, 24, 1);
            attr.set(JAVA_INT, 28, bytes);
            attr.set(JAVA_LONG, 32, log.address());
            long result = Syscall.BPF.raw(PROG_LOAD, attr.address(), ATTR_SIZE, 0, 0, 0);
            if (result >= 0) {
                Unistd.close((int) result);
            }
            return log.getString(0, StandardCharsets.UTF_8);
        }
    }

    private static MemorySegment prog(Arena arena, ProgAttributes prog) {
        MemorySegment attr = attributes(arena);
        MemorySegment insns = arena.allocate(prog.insns().length, 8);
        insns.copyFrom(MemorySegment.ofArray(prog.insns()));
        attr.set(JAVA_INT, 0, prog.type());
        attr.set(JAVA_INT, 4, prog.insns().length / 8);
        attr.set(JAVA_LONG, 8, insns.address());
        attr.set(JAVA_LONG, 16, arena.allocateFrom(prog.license()).address());
        attr.set(JAVA_INT, 44, prog.flags());
        name(attr.asSlice(48, NAME_LENGTH), prog.name());
        attr.set(JAVA_INT, 68, prog.attachType().number);
        if (prog.types().btf() != 0) {
            int[] records = prog.types().records();
            attr.set(JAVA_INT, 72, prog.types().btf());
            attr.set(JAVA_INT, 76, 2 * Integer.BYTES);
            attr.set(JAVA_LONG, 80, arena.allocateFrom(JAVA_INT, records).address());
            attr.set(JAVA_INT, 88, records.length / 2);
        }
        return attr;
    }

    /** {@code BPF_PROG_TEST_RUN} once with {@code input} as packet data; what the program returned. */
    public static int progTestRun(NativeFd prog, byte[] input) {
        return progTestRun(prog, input, 1).result();
    }

    /**
     * What {@code BPF_PROG_TEST_RUN} reports.
     *
     * @param result what the program returned the last time
     * @param nanoseconds the kernel's average for one run
     */
    public record TestRun(int result, int nanoseconds) {}

    /** {@code BPF_PROG_TEST_RUN}, {@code repeat} times, with {@code input} as packet data. */
    public static TestRun progTestRun(NativeFd prog, byte[] input, int repeat) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            MemorySegment in = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, input);
            attr.set(JAVA_INT, 0, prog.number());
            attr.set(JAVA_INT, 8, input.length);
            attr.set(JAVA_LONG, 16, in.address());
            attr.set(JAVA_INT, 32, repeat);
            call(PROG_TEST_RUN, attr, "running " + prog);
            return new TestRun(attr.get(JAVA_INT, 4), attr.get(JAVA_INT, 36));
        }
    }

    /** {@code BPF_PROG_TEST_RUN} of a {@link #PROG_TYPE_SYSCALL} program with {@code context}; what it returned. */
    public static int progTestRunWithContext(NativeFd prog, byte[] context) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            MemorySegment in = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, context);
            attr.set(JAVA_INT, 0, prog.number());
            attr.set(JAVA_INT, 40, context.length);
            attr.set(JAVA_LONG, 48, in.address());
            call(PROG_TEST_RUN, attr, "running " + prog);
            return attr.get(JAVA_INT, 4);
        }
    }

    /** {@code BPF_LINK_CREATE} of a program to a perf event, with an attach cookie. */
    public static NativeFd linkPerfEvent(NativeFd prog, NativeFd event, long cookie) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, prog.number());
            attr.set(JAVA_INT, 4, event.number());
            attr.set(JAVA_INT, 8, ATTACH_PERF_EVENT);
            attr.set(JAVA_LONG, 16, cookie);
            return new NativeFd((int) call(LINK_CREATE, attr, "attaching " + prog + " to " + event), "link of " + prog);
        }
    }

    /** {@code BPF_RAW_TRACEPOINT_OPEN}: a program at a tracepoint of the kernel, with an attach cookie. */
    public static NativeFd rawTracepoint(NativeFd prog, String name, long cookie) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_LONG, 0, arena.allocateFrom(name).address());
            attr.set(JAVA_INT, 8, prog.number());
            attr.set(JAVA_LONG, 16, cookie);
            String what = "attaching " + prog + " to raw tracepoint " + name;
            return new NativeFd((int) call(RAW_TRACEPOINT_OPEN, attr, what), "link of " + prog);
        }
    }

    /**
     * Places in one file, for one program.
     *
     * @param offsets of the instructions in the file
     * @param counters of the semaphores in the file, 0 where there is none
     * @param cookies one for each place
     * @param edge ignored by sessions, which are at both
     * @param pid the process it is limited to
     */
    public record UprobeMulti(
            String path, long[] offsets, long[] counters, long[] cookies, PerfEvent.Edge edge, int pid) {}

    /** {@code BPF_LINK_CREATE} of a program to many places in user space. */
    public static NativeFd linkUprobeMulti(NativeFd prog, AttachType type, UprobeMulti places) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = attributes(arena);
            attr.set(JAVA_INT, 0, prog.number());
            attr.set(JAVA_INT, 8, type.number);
            attr.set(JAVA_LONG, 16, arena.allocateFrom(places.path()).address());
            attr.set(
                    JAVA_LONG,
                    24,
                    arena.allocateFrom(JAVA_LONG, places.offsets()).address());
            attr.set(
                    JAVA_LONG,
                    32,
                    arena.allocateFrom(JAVA_LONG, places.counters()).address());
            attr.set(
                    JAVA_LONG,
                    40,
                    arena.allocateFrom(JAVA_LONG, places.cookies()).address());
            attr.set(JAVA_INT, 48, places.offsets().length);
            boolean atReturn = type == AttachType.UPROBE_MULTI && places.edge() == PerfEvent.Edge.RETURN;
            attr.set(JAVA_INT, 52, atReturn ? MULTI_RETURN : 0);
            attr.set(JAVA_INT, 56, places.pid());
            String what = "attaching " + prog + " to " + places.offsets().length + " places in " + places.path();
            return new NativeFd((int) call(LINK_CREATE, attr, what), "link of " + prog);
        }
    }

    private static MemorySegment attributes(Arena arena) {
        return arena.allocate(ATTR_SIZE, 8);
    }

    private static void name(MemorySegment field, String name) {
        byte[] ascii = name.replaceAll("[^A-Za-z0-9_.]", "_").getBytes(StandardCharsets.US_ASCII);
        MemorySegment.copy(
                ascii, 0, field, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, Math.min(ascii.length, NAME_LENGTH));
    }

    private static long call(int command, MemorySegment attr, String doing) {
        return Syscall.BPF.call(doing, command, attr.address(), ATTR_SIZE);
    }
}

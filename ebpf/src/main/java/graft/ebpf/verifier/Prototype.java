package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgType;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a helper takes and gives, and which programs may call it. */
record Prototype(List<Argument> arguments, Result result, Set<ProgType> programs) {
    /** What an argument must be. */
    sealed interface Argument {
        /** Any initialised value. */
        record Anything() implements Argument {}

        /** A map of one of some types. */
        record MapOf(Set<MapType> types, Use use) implements Argument {}

        /** Memory with a key of the map in r1. */
        record Key() implements Argument {}

        /** Memory with a value for the map in r1. */
        record NewValue() implements Argument {}

        /** Memory whose size is in the next register. */
        record Buffer(Direction direction) implements Argument {}

        /** The size of the memory in the register before. */
        record Size(Least least) implements Argument {}

        /** The constant size of a record to reserve. */
        record RecordSize() implements Argument {}

        /** A record that is given back. */
        record HeldRecord() implements Argument {}

        /** The program's context, unmoved. */
        record ProgramContext() implements Argument {}

        /** A constant string in a read-only map, ending in a zero byte. */
        record ConstantString() implements Argument {}
    }

    /** What a helper does with a map's values. */
    enum Use {
        READS,
        WRITES
    }

    /** Whether a helper reads or fills a buffer. */
    enum Direction {
        READ,
        FILLED
    }

    /** Whether a size may be zero. */
    enum Least {
        ZERO,
        ONE
    }

    /** What is in r0 afterwards. */
    enum Result {
        /** Any number. */
        NUMBER,
        /** A negative error, or at most the size of the buffer. */
        LENGTH,
        /** A map value of the map in r1, or null. */
        VALUE_OR_NULL,
        /** A new record, or null. */
        RECORD_OR_NULL
    }

    private static final Set<MapType> LOOKED_UP = EnumSet.of(
            MapType.HASH,
            MapType.ARRAY,
            MapType.PERCPU_HASH,
            MapType.PERCPU_ARRAY,
            MapType.LRU_HASH,
            MapType.LRU_PERCPU_HASH,
            MapType.LPM_TRIE);
    private static final Set<MapType> RINGS = EnumSet.of(MapType.RINGBUF);
    private static final Set<ProgType> ALL =
            EnumSet.of(ProgType.UPROBE, ProgType.URETPROBE, ProgType.SYSCALL_ENTER, ProgType.SYSCALL_EXIT);
    private static final Set<ProgType> PROBES = EnumSet.of(ProgType.UPROBE, ProgType.URETPROBE);

    private static final Argument ANY = new Argument.Anything();
    private static final Argument READ_MAP = new Argument.MapOf(LOOKED_UP, Use.READS);
    private static final Argument WRITTEN_MAP = new Argument.MapOf(LOOKED_UP, Use.WRITES);
    private static final Argument RING = new Argument.MapOf(RINGS, Use.READS);
    private static final Argument KEY = new Argument.Key();
    private static final Argument VALUE = new Argument.NewValue();
    private static final Argument INPUT = new Argument.Buffer(Direction.READ);
    private static final Argument OUTPUT = new Argument.Buffer(Direction.FILLED);
    private static final Argument SIZE = new Argument.Size(Least.ONE);
    private static final Argument SIZE_OR_ZERO = new Argument.Size(Least.ZERO);
    private static final Argument CONTEXT = new Argument.ProgramContext();
    private static final Argument RECORD = new Argument.HeldRecord();

    private static final Map<Helper, Prototype> TABLE = new EnumMap<>(Map.ofEntries(
            row(Helper.MAP_LOOKUP_ELEM, Result.VALUE_OR_NULL, READ_MAP, KEY),
            row(Helper.MAP_UPDATE_ELEM, Result.NUMBER, WRITTEN_MAP, KEY, VALUE, ANY),
            row(Helper.MAP_DELETE_ELEM, Result.NUMBER, WRITTEN_MAP, KEY),
            row(Helper.PROBE_READ, Result.NUMBER, OUTPUT, SIZE_OR_ZERO, ANY),
            row(Helper.KTIME_GET_NS, Result.NUMBER),
            row(Helper.TRACE_PRINTK, Result.NUMBER, INPUT, SIZE),
            row(Helper.GET_PRANDOM_U32, Result.NUMBER),
            row(Helper.GET_SMP_PROCESSOR_ID, Result.NUMBER),
            row(Helper.GET_CURRENT_PID_TGID, Result.NUMBER),
            row(Helper.GET_CURRENT_UID_GID, Result.NUMBER),
            row(Helper.GET_CURRENT_COMM, Result.NUMBER, OUTPUT, SIZE),
            row(Helper.PROBE_READ_STR, Result.LENGTH, OUTPUT, SIZE_OR_ZERO, ANY),
            row(Helper.PROBE_READ_USER, Result.NUMBER, OUTPUT, SIZE_OR_ZERO, ANY),
            row(Helper.PROBE_READ_KERNEL, Result.NUMBER, OUTPUT, SIZE_OR_ZERO, ANY),
            row(Helper.PROBE_READ_USER_STR, Result.LENGTH, OUTPUT, SIZE_OR_ZERO, ANY),
            row(Helper.PROBE_READ_KERNEL_STR, Result.LENGTH, OUTPUT, SIZE_OR_ZERO, ANY),
            row(Helper.KTIME_GET_BOOT_NS, Result.NUMBER),
            row(Helper.RINGBUF_OUTPUT, Result.NUMBER, RING, INPUT, SIZE_OR_ZERO, ANY),
            row(Helper.RINGBUF_RESERVE, Result.RECORD_OR_NULL, RING, new Argument.RecordSize(), ANY),
            row(Helper.RINGBUF_SUBMIT, Result.NUMBER, RECORD, ANY),
            row(Helper.RINGBUF_DISCARD, Result.NUMBER, RECORD, ANY),
            row(Helper.RINGBUF_QUERY, Result.NUMBER, RING, ANY),
            Map.entry(Helper.GET_FUNC_IP, new Prototype(List.of(CONTEXT), Result.NUMBER, PROBES)),
            row(Helper.GET_ATTACH_COOKIE, Result.NUMBER, CONTEXT),
            row(Helper.STRNCMP, Result.NUMBER, INPUT, SIZE, new Argument.ConstantString())));

    private static Map.Entry<Helper, Prototype> row(Helper helper, Result result, Argument... arguments) {
        return Map.entry(helper, new Prototype(List.of(arguments), result, ALL));
    }

    /** The prototype of a helper; nothing for one that no program can call yet. */
    static Optional<Prototype> of(Helper helper) {
        return Optional.ofNullable(TABLE.get(helper));
    }
}

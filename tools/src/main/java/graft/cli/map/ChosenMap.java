package graft.cli.map;

import graft.cli.error.Problem;
import graft.cli.option.OutputFormat;
import graft.cli.output.JsonReader;
import graft.daemon.control.MapRequest;
import graft.daemon.control.RemoteSession;
import graft.ebpf.btf.Btf;
import graft.ebpf.btf.FormattedValue;
import graft.ebpf.btf.ValueParser;
import graft.ebpf.maps.MapAccess;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.CgroupDirectory;
import graft.platform.linux.Errno;
import graft.platform.linux.SysException;
import graft.platform.linux.Sysconf;
import graft.platform.proc.ControlGroups;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The map that a command is about, wherever it is. */
final class ChosenMap {
    private final String label;
    private final MapSpec spec;
    private final Optional<Btf> types;
    private final List<String> programs;
    private final Calls calls;

    /** How it is reached. */
    interface Calls {
        MapAccess.Answer call(MapRequest request);

        int entries(MapAccess.EntryConsumer consumer);
    }

    /** @param programs as an array of programs numbers them, from 1 */
    ChosenMap(String label, MapSpec spec, Optional<Btf> types, List<String> programs, Calls calls) {
        this.label = label;
        this.spec = spec;
        this.types = types;
        this.programs = List.copyOf(programs);
        this.calls = calls;
    }

    static ChosenMap of(RemoteSession session, MapSpec spec) {
        byte[] btf = session.view().btf();
        return new ChosenMap(
                session.view().graft() + ":" + spec.name(),
                spec,
                btf.length == 0 ? Optional.empty() : Optional.of(Btf.parse(btf)),
                session.view().called(),
                new Calls() {
                    @Override
                    public MapAccess.Answer call(MapRequest request) {
                        return session.call(request);
                    }

                    @Override
                    public int entries(MapAccess.EntryConsumer consumer) {
                        return session.entries(spec.name(), consumer);
                    }
                });
    }

    MapSpec spec() {
        return spec;
    }

    MapRows rows(PrintWriter out, OutputFormat format) {
        return new MapRows(out, format, types, programs);
    }

    /** Queues, stacks and filters have values only. */
    boolean hasKeys() {
        return spec.keySize() > 0;
    }

    /** A key as somebody typed it. */
    byte[] key(String text) {
        return parsed("key", text, spec.keyType(), spec.keySize());
    }

    /** A value as somebody typed it; every CPU gets the same. */
    byte[] value(String text) {
        if (spec.type() == MapType.PROG_ARRAY) {
            return program(text);
        }
        if (spec.type() == MapType.CGROUP_ARRAY) {
            return group(text);
        }
        byte[] value = parsed("value", text, spec.valueType(), spec.valueSize());
        if (!spec.type().isPerProcessor()) {
            return value;
        }
        int stride = value.length + 7 & -8;
        byte[] all = new byte[stride * Sysconf.possibleCpus()];
        for (int at = 0; at < all.length; at += stride) {
            System.arraycopy(value, 0, all, at, value.length);
        }
        return all;
    }

    private byte[] program(String name) {
        int index = programs.indexOf(name);
        if (index < 0) {
            throw Problem.of("M006", "map %s cannot hold %s".formatted(label, name))
                    .because(
                            programs.isEmpty()
                                    ? "the object puts no program into an array of programs"
                                    : "it can hold the programs that the object puts into such arrays: "
                                            + String.join(", ", programs))
                    .failure();
        }
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(index + 1)
                .array();
    }

    /** The id of a control group, by its directory. */
    private byte[] group(String directory) {
        long id;
        try {
            id = CgroupDirectory.idOf(Path.of(directory));
        } catch (SysException failed) {
            id = -failed.errno();
        }
        if (id < 0) {
            throw Problem.of("M006", "the value does not fit map " + label)
                    .because("%s is no directory of a control group (v2): %s"
                            .formatted(directory, Errno.name((int) -id)))
                    .remedy("a directory below %s"
                            .formatted(ControlGroups.ofThisMachine()
                                    .top()
                                    .map(Path::toString)
                                    .orElse("where cgroup2 is mounted")))
                    .failure();
        }
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.nativeOrder())
                .putLong(id)
                .array();
    }

    private byte[] parsed(String what, String text, OptionalInt type, int size) {
        return switch (new ValueParser(types).parse(read(what, text), type, size)) {
            case ValueParser.Parsing.Parsed(var bytes) -> bytes;
            case ValueParser.Parsing.Refused(var where, var why) ->
                throw Problem.of("M006", "the " + what + " does not fit map " + label)
                        .because((where.isEmpty() ? "the " + what : where) + " " + why)
                        .failure();
        };
    }

    /** JSON where it looks so; otherwise a number or word. */
    private FormattedValue read(String what, String text) {
        if (text.isEmpty() || "{[\"".indexOf(text.charAt(0)) < 0) {
            return new FormattedValue.Text(text);
        }
        try {
            return JsonReader.read(text);
        } catch (JsonReader.SyntaxException wrong) {
            throw Problem.of("M006", "the " + what + " is no JSON")
                    .because(wrong.getMessage())
                    .failure();
        }
    }

    byte[] lookup(byte[] key) {
        return checked("looked up", calls.call(MapRequest.lookup(spec.name(), key)));
    }

    void update(byte[] key, byte[] value, long flags) {
        checked("changed", calls.call(MapRequest.update(spec.name(), key, value, flags)));
    }

    void delete(byte[] key) {
        checked("deleted", calls.call(MapRequest.delete(spec.name(), key)));
    }

    byte[] take() {
        return checked("taken", calls.call(MapRequest.take(spec.name())));
    }

    void entries(MapAccess.EntryConsumer consumer) {
        check("listed", calls.entries(consumer));
    }

    private byte[] checked(String what, MapAccess.Answer answer) {
        check(what, answer.error());
        return Arrays.copyOf(answer.value(), answer.value().length);
    }

    private void check(String what, int error) {
        if (error == Errno.EUCLEAN) {
            throw Problem.of("M002", "map " + label + " is damaged").failure();
        }
        if (error != 0) {
            Problem problem = Problem.of("M005", "map %s: nothing is %s: %s".formatted(label, what, Errno.name(error)))
                    .because(meaning(error));
            throw remedy(error).map(problem::remedy).orElse(problem).failure();
        }
    }

    private String meaning(int error) {
        String type = spec.type().toString();
        return switch (error) {
            case Errno.EPERM ->
                spec.access() == MapSpec.Access.READ_ONLY
                        ? "it is frozen: constants of the object"
                        : "its flags forbid it: BPF_F_RDONLY or BPF_F_WRONLY";
            case Errno.ENOENT -> hasKeys() ? "the key is not in the map" : "there is no such value in it";
            case Errno.EEXIST -> "the key is in the map already";
            case Errno.E2BIG ->
                isArray()
                        ? "its indices end at " + (spec.maxEntries() - 1)
                        : "it is full: max_entries is " + spec.maxEntries();
            case Errno.EBUSY -> "somebody else held its lock for too long";
            case Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOTSUPP -> "a map of type " + type + " does not allow this";
            default -> Errno.text(error);
        };
    }

    private boolean isArray() {
        return switch (spec.type()) {
            case ARRAY, PERCPU_ARRAY, PROG_ARRAY, CGROUP_ARRAY -> true;
            default -> false; // keys come and go
        };
    }

    private Optional<String> remedy(int error) {
        return switch (spec.type()) {
            case ARRAY, PERCPU_ARRAY ->
                error == Errno.EINVAL
                        ? Optional.of("an array always has all its elements: set it to 0")
                        : Optional.empty();
            case USER_RINGBUF -> Optional.of("its samples come from the program that has the session");
            case RINGBUF, PERF_EVENT_ARRAY -> Optional.of("its records go to the command that runs the session");
            case ARENA -> Optional.of("an arena is memory without elements");
            case BLOOM_FILTER ->
                error == Errno.EOPNOTSUPP
                        ? Optional.of("graft map get MAP VALUE asks whether a value may be in it")
                        : Optional.empty();
            default -> Optional.empty();
        };
    }
}

package graft.ebpf.verifier;

import graft.ebpf.object.KernelType;
import graft.ebpf.object.SpecialField;
import graft.ebpf.verifier.Prototype.Argument;
import graft.ebpf.verifier.Prototype.Direction;
import graft.ebpf.verifier.Prototype.DynptrUse;
import graft.ebpf.verifier.Prototype.Null;
import graft.ebpf.verifier.Prototype.Property;
import graft.ebpf.verifier.Prototype.Result;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code helpers.table}, which explains itself. A line is read when its helper is asked for: few ever are. */
final class Prototypes {
    private static final Map<Integer, String> LINES = lines();
    private static final Map<Integer, Prototype> READ = new HashMap<>(); // guarded by the class

    private Prototypes() {}

    private static Map<Integer, String> lines() {
        Map<Integer, String> lines = new HashMap<>();
        for (String line : text("helpers.table").lines().toList()) {
            if (!line.isBlank() && !line.startsWith("#")) {
                lines.put(Integer.parseInt(line.substring(0, line.indexOf(' '))), line);
            }
        }
        return Map.copyOf(lines);
    }

    /** The prototype of a helper, by the kernel's number. */
    static synchronized Optional<Prototype> of(int number) {
        return Optional.ofNullable(LINES.get(number)).map(line -> READ.computeIfAbsent(number, _ -> prototype(line)));
    }

    static String text(String resource) {
        try (InputStream in = Prototypes.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + resource, e);
        }
    }

    private static Prototype prototype(String line) {
        Matcher fields = Pattern.compile(LINE_TEXT).matcher(line);
        if (!fields.matches()) {
            throw new IllegalStateException("helpers.table: " + line);
        }
        List<Argument> arguments = new ArrayList<>();
        for (String word : fields.group(4).split(" ")) {
            if (!word.isEmpty()) {
                arguments.add(argument(word));
            }
        }
        return new Prototype(
                Integer.parseInt(fields.group(1)),
                "bpf_" + fields.group(2),
                List.copyOf(arguments),
                result(fields.group(3)),
                properties(fields.group(5)),
                types(fields.group(6)));
    }

    private static final String LINE_TEXT = "(\\d+) (\\w+) (\\S+) \\((.*)\\) (\\S+) (\\S+)";

    private static Set<Property> properties(String words) {
        Set<Property> found = EnumSet.noneOf(Property.class);
        for (String word : words.split(",")) {
            switch (word) {
                case "gpl" -> found.add(Property.GPL);
                case "packet" -> found.add(Property.PACKET);
                case "sleeps" -> found.add(Property.SLEEPS);
                default -> {}
            }
        }
        return found;
    }

    /** Ranges of numbers; {@code 26i}: tracing programs that are iterators. */
    static Set<KernelType> types(String ranges) {
        Set<KernelType> found = EnumSet.noneOf(KernelType.class);
        for (String range : ranges.split(",")) {
            if (range.equals("-")) {
                continue;
            }
            String[] ends = range.replace("i", "").split("-");
            for (int number = Integer.parseInt(ends[0]); number <= Integer.parseInt(ends[ends.length - 1]); number++) {
                KernelType.byNumber(number).ifPresent(found::add);
            }
        }
        return found;
    }

    private static Result result(String word) {
        if (word.startsWith("btf")) {
            String struct = word.substring(word.indexOf(':') + 1);
            return new Result(word.startsWith("btf?") ? Result.Kind.KERNEL_OR_NULL : Result.Kind.KERNEL, struct);
        }
        return new Result(
                switch (word) {
                    case "number" -> Result.Kind.NUMBER;
                    case "void" -> Result.Kind.NOTHING;
                    case "length" -> Result.Kind.LENGTH;
                    case "value" -> Result.Kind.VALUE;
                    case "value?" -> Result.Kind.VALUE_OR_NULL;
                    case "record?" -> Result.Kind.RECORD_OR_NULL;
                    case "dynmem?" -> Result.Kind.SLICE_OR_NULL;
                    case "dynro?" -> Result.Kind.READ_ONLY_SLICE_OR_NULL;
                    case "socket?" -> Result.Kind.SOCKET_OR_NULL;
                    case "sock_common?" -> Result.Kind.SOCK_COMMON_OR_NULL;
                    case "tcp_sock?" -> Result.Kind.TCP_SOCK_OR_NULL;
                    case "percpu" -> Result.Kind.PER_CPU;
                    case "percpu?" -> Result.Kind.PER_CPU_OR_NULL;
                    default -> throw new IllegalStateException("helpers.table: result " + word);
                },
                "");
    }

    private static Argument argument(String word) {
        if (word.startsWith("btf")) {
            Null nullable = word.startsWith("btf?") ? Null.TAKEN : Null.REFUSED;
            return new Argument.Kernel(word.substring(word.indexOf(':') + 1), nullable);
        }
        if (word.startsWith("fixed")) {
            int bytes = Integer.parseInt(word.replaceAll("\\D", ""));
            return new Argument.Fixed(
                    word.startsWith("fixedout")
                            ? Direction.FILLED
                            : word.startsWith("fixedin") ? Direction.READ : Direction.BOTH,
                    bytes);
        }
        return switch (word) {
            case "any" -> new Argument.Anything();
            case "number" -> new Argument.Number();
            case "zero" -> new Argument.Zero();
            case "map" -> new Argument.AnyMap();
            case "key" -> new Argument.Key();
            case "value" -> new Argument.MapValue(Direction.READ, Null.REFUSED);
            case "value?" -> new Argument.MapValue(Direction.READ, Null.TAKEN);
            case "value=" -> new Argument.MapValue(Direction.FILLED, Null.REFUSED);
            case "in" -> new Argument.Buffer(Direction.READ, Null.REFUSED);
            case "in?" -> new Argument.Buffer(Direction.READ, Null.TAKEN);
            case "out" -> new Argument.Buffer(Direction.FILLED, Null.REFUSED);
            case "inout" -> new Argument.Buffer(Direction.BOTH, Null.REFUSED);
            case "inout?" -> new Argument.Buffer(Direction.BOTH, Null.TAKEN);
            case "size" -> new Argument.Size(Prototype.Least.ONE);
            case "size0" -> new Argument.Size(Prototype.Least.ZERO);
            case "alloc" -> new Argument.RecordSize();
            case "ctx" -> new Argument.ProgramContext(Null.REFUSED);
            case "ctx?" -> new Argument.ProgramContext(Null.TAKEN);
            default -> rareArgument(word);
        };
    }

    private static Argument rareArgument(String word) {
        return switch (word) {
            case "lock" -> new Argument.Special(SpecialField.Kind.SPIN_LOCK);
            case "timer" -> new Argument.Special(SpecialField.Kind.TIMER);
            case "kptr" -> new Argument.Special(SpecialField.Kind.KPTR);
            case "kptr!" -> new Argument.Exchanged();
            case "sock" -> new Argument.Socket(Prototype.SocketTypes.PROGRAM, Prototype.Use.LOOKED_AT);
            case "sk" -> new Argument.Socket(Prototype.SocketTypes.PROGRAM_AND_KERNEL, Prototype.Use.LOOKED_AT);
            case "sk!" -> new Argument.Socket(Prototype.SocketTypes.PROGRAM_AND_KERNEL, Prototype.Use.RELEASED);
            case "record!" -> new Argument.HeldRecord();
            case "percpu" -> new Argument.PerCpu();
            case "func" -> new Argument.Callback();
            case "stack?" -> new Argument.StackOrNull();
            case "str" -> new Argument.ConstantString();
            case "dynptr" -> new Argument.Dynptr(DynptrUse.READ);
            case "dynptr=local" -> new Argument.Dynptr(DynptrUse.NEW_LOCAL);
            case "dynptr=ringbuf" -> new Argument.Dynptr(DynptrUse.NEW_RINGBUF);
            case "dynptr=clone" -> new Argument.Dynptr(DynptrUse.NEW_CLONE);
            case "copy?" -> new Argument.CopyBuffer();
            case "dynptr!" -> new Argument.Dynptr(DynptrUse.RELEASED);
            default -> throw new IllegalStateException("helpers.table: argument " + word);
        };
    }
}

package graft.ebpf.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * The types of one object or kernel. Parsing finds where types begin; each is read when asked for, and the index of
 * names is built at the first search. For one thread at a time.
 */
public final class Btf {
    private static final int MAX_TYPES = 0xfffff;
    private static final int MAX_DEPTH = 32;
    private static final int MAX_NAME = 4096;
    private static final String FLAVOUR = "___";

    private final ByteBuffer types;
    private final byte[] strings;
    private final int[] offsets;
    private final Optional<Btf> base;
    private final int firstType;
    private final int firstString;
    private final Map<String, List<Integer>> byName = new HashMap<>();
    private final Map<String, List<Integer>> byFlavouredName = new HashMap<>();

    private Btf(ByteBuffer types, byte[] strings, Optional<Btf> base) {
        this.types = types;
        this.strings = strings;
        this.base = base;
        this.firstType = base.map(Btf::count).orElse(1);
        this.firstString = base.map(Btf::stringBytes).orElse(0);
        this.offsets = index();
    }

    /** No types but {@code void}. */
    public static Btf none() {
        return new Btf(ByteBuffer.allocate(0), new byte[1], Optional.empty());
    }

    /** @throws BtfFormatException when the bytes are no BTF */
    public static Btf parse(byte[] bytes) {
        return parse(bytes, Optional.empty());
    }

    /**
     * The types of a kernel module, or of any other BTF whose ids and strings go on where those of {@code base} end.
     *
     * @throws BtfFormatException when the bytes are no BTF
     */
    public static Btf parse(byte[] bytes, Btf base) {
        return parse(bytes, Optional.of(base));
    }

    private static Btf parse(byte[] bytes, Optional<Btf> base) {
        ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < 24 || b.getShort(0) != (short) 0xeb9f || b.get(2) != 1) {
            throw new BtfFormatException("no header");
        }
        long start = Integer.toUnsignedLong(b.getInt(4));
        byte[] types = part(bytes, start, b.getInt(8), b.getInt(12));
        byte[] strings = part(bytes, start, b.getInt(16), b.getInt(20));
        boolean ends = strings.length > 0 && strings[strings.length - 1] == 0;
        boolean begins = strings.length > 0 && strings[0] == 0;
        if (base.isEmpty() ? !ends || !begins : !ends && strings.length > 0) {
            throw new BtfFormatException("bad string section");
        }
        return new Btf(ByteBuffer.wrap(types).order(ByteOrder.LITTLE_ENDIAN), strings, base);
    }

    private static byte[] part(byte[] bytes, long start, int offset, int length) {
        long from = start + Integer.toUnsignedLong(offset);
        long to = from + Integer.toUnsignedLong(length);
        if (to > bytes.length) {
            throw new BtfFormatException("section ends at %d of %d bytes".formatted(to, bytes.length));
        }
        return Arrays.copyOfRange(bytes, (int) from, (int) to);
    }

    private int[] index() {
        int[] found = new int[1024];
        int count = 0;
        int at = 0;
        while (at < types.limit()) {
            int id = firstType + count;
            if (at + 12 > types.limit() || id > MAX_TYPES) {
                throw new BtfFormatException("type %d is cut off or one too many".formatted(id));
            }
            if (count == found.length) {
                found = Arrays.copyOf(found, count * 2);
            }
            found[count++] = at;
            at += 12 + extraBytes(types.getInt(at + 4), id);
        }
        if (at != types.limit()) {
            throw new BtfFormatException("type %d is cut off".formatted(firstType + count - 1));
        }
        return Arrays.copyOf(found, count);
    }

    private static int extraBytes(int info, int id) {
        int length = info & 0xffff;
        return switch (kind(info)) {
            case 1, 14, 17 -> 4;
            case 3 -> 12;
            case 4, 5, 15, 19 -> 12 * length;
            case 6, 13 -> 8 * length;
            case 2, 7, 8, 9, 10, 11, 12, 16, 18 -> 0;
            default -> throw new BtfFormatException("type %d has unknown kind %d".formatted(id, kind(info)));
        };
    }

    private static int kind(int info) {
        return info >>> 24 & 0x1f;
    }

    /** Number of types with {@code void} and those of the base; ids are below it. */
    public int count() {
        return firstType + offsets.length;
    }

    private int stringBytes() {
        return firstString + strings.length;
    }

    /** A string by its offset. */
    public String string(int offset) {
        if (offset >= 0 && offset < firstString) {
            return base.orElseThrow().string(offset);
        }
        if (offset < 0 || offset >= stringBytes()) {
            throw new BtfFormatException("string at %d of %d bytes".formatted(offset, stringBytes()));
        }
        int start = offset - firstString;
        int end = start;
        while (strings[end] != 0) {
            end++;
        }
        if (end - start > 16 * MAX_NAME) {
            throw new BtfFormatException("string of %d bytes".formatted(end - start));
        }
        return new String(strings, start, end - start, StandardCharsets.UTF_8);
    }

    /** The type with an id. */
    public BtfType type(int id) {
        if (id == 0) {
            return new BtfType.Void();
        }
        if (id > 0 && id < firstType) {
            return base.orElseThrow().type(id);
        }
        if (id < 0 || id >= count()) {
            throw new BtfFormatException("no type %d of %d".formatted(id, count()));
        }
        int at = offsets[id - firstType];
        String name = string(types.getInt(at));
        int info = types.getInt(at + 4);
        int value = types.getInt(at + 8);
        int data = at + 12;
        int length = info & 0xffff;
        boolean flag = info < 0;
        return switch (kind(info)) {
            case 1 -> new BtfType.Int(name, value, types.getInt(data) & 0xff, types.getInt(data) >>> 24 & 0xf);
            case 2 -> new BtfType.Pointer(value);
            case 3 ->
                new BtfType.Array(
                        types.getInt(data), types.getInt(data + 4), Integer.toUnsignedLong(types.getInt(data + 8)));
            case 4 -> composite(BtfType.Composite.Kind.STRUCT, id, name);
            case 5 -> composite(BtfType.Composite.Kind.UNION, id, name);
            case 6 -> new BtfType.Enumeration(name, value, flag, each(length, i -> value32(data + 8 * i, flag)));
            case 7 -> new BtfType.Forward(flag ? BtfType.Composite.Kind.UNION : BtfType.Composite.Kind.STRUCT, name);
            case 8 -> new BtfType.Typedef(name, value);
            case 9, 10, 11, 18 -> new BtfType.Modifier(name, value);
            case 12 -> new BtfType.Function(name, value, length);
            case 13 ->
                new BtfType.Prototype(
                        value,
                        each(
                                length,
                                i -> new BtfType.Member(
                                        string(types.getInt(data + 8 * i)), types.getInt(data + 8 * i + 4), 0, 0)));
            case 14 -> new BtfType.Variable(name, value, types.getInt(data));
            case 15 ->
                new BtfType.DataSection(
                        name,
                        value,
                        each(
                                length,
                                i -> new BtfType.Place(
                                        types.getInt(data + 12 * i),
                                        types.getInt(data + 12 * i + 4),
                                        types.getInt(data + 12 * i + 8))));
            case 16 -> new BtfType.Float(name, value);
            case 17 -> new BtfType.DeclarationTag(name, value, types.getInt(data));
            default -> new BtfType.Enumeration(name, value, flag, each(length, i -> value64(data + 12 * i)));
        };
    }

    private BtfType.Value value32(int at, boolean signed) {
        int number = types.getInt(at + 4);
        return new BtfType.Value(string(types.getInt(at)), signed ? number : Integer.toUnsignedLong(number));
    }

    private BtfType.Value value64(int at) {
        long low = Integer.toUnsignedLong(types.getInt(at + 4));
        return new BtfType.Value(string(types.getInt(at)), low | (long) types.getInt(at + 8) << 32);
    }

    private BtfType composite(BtfType.Composite.Kind kind, int id, String name) {
        int at = offsets[id - firstType];
        int info = types.getInt(at + 4);
        boolean bitFields = info < 0;
        return new BtfType.Composite(kind, name, types.getInt(at + 8), each(info & 0xffff, i -> {
            int member = at + 12 + 12 * i;
            int offset = types.getInt(member + 8);
            return new BtfType.Member(
                    string(types.getInt(member)),
                    types.getInt(member + 4),
                    bitFields ? offset & 0xffffff : offset,
                    bitFields ? offset >>> 24 : 0);
        }));
    }

    private static <T> List<T> each(int count, IntFunction<T> read) {
        List<T> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            all.add(read.apply(i));
        }
        return List.copyOf(all);
    }

    /** The ids of all types with a name, those of the base first. */
    public List<Integer> named(String name) {
        List<Integer> own = names().getOrDefault(name, List.of());
        return Stream.concat(base.stream().flatMap(types -> types.named(name).stream()), own.stream())
                .toList();
    }

    /** The same with flavours of the name: {@code task_struct___old} is one of {@code task_struct}. */
    public List<Integer> flavours(String name) {
        names();
        List<Integer> own = byFlavouredName.getOrDefault(name, List.of());
        List<Integer> inherited = base.map(types -> types.flavours(name)).orElse(List.of());
        return Stream.of(inherited, byName.getOrDefault(name, List.of()), own)
                .flatMap(List::stream)
                .toList();
    }

    /** A name without its flavour. */
    public static String essential(String name) {
        int flavour = name.lastIndexOf(FLAVOUR);
        return flavour > 0 ? name.substring(0, flavour) : name;
    }

    private Map<String, List<Integer>> names() {
        if (byName.isEmpty()) {
            for (int i = 0; i < offsets.length; i++) {
                int offset = types.getInt(offsets[i]);
                if (offset != 0) {
                    String name = string(offset);
                    byName.computeIfAbsent(name, _ -> new ArrayList<>()).add(firstType + i);
                    if (name.indexOf(FLAVOUR) > 0) {
                        byFlavouredName
                                .computeIfAbsent(essential(name), _ -> new ArrayList<>())
                                .add(firstType + i);
                    }
                }
            }
        }
        return byName;
    }

    /** The attributes of a declaration, or of its argument or member {@code component} (-1 for the whole). */
    public List<String> declarationTags(int id, int component) {
        List<String> found = new ArrayList<>();
        base.ifPresent(types -> found.addAll(types.declarationTags(id, component)));
        for (int at : offsets) {
            if (kind(types.getInt(at + 4)) == 17 && types.getInt(at + 8) == id && types.getInt(at + 12) == component) {
                found.add(string(types.getInt(at)));
            }
        }
        return List.copyOf(found);
    }

    /** The id behind typedefs and modifiers. */
    public int resolve(int id) {
        int at = id;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (type(at)) {
                case BtfType.Typedef(var _, var target) -> at = target;
                case BtfType.Modifier(var _, var target) -> at = target;
                default -> {
                    return at;
                }
            }
        }
        throw new BtfFormatException("type %d refers to others more than %d deep".formatted(id, MAX_DEPTH));
    }

    /** The type behind typedefs and modifiers. */
    public BtfType resolved(int id) {
        return type(resolve(id));
    }

    /** Bytes of a value; 0 for functions and {@code void}. */
    public long size(int id) {
        long elements = 1;
        int at = id;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (resolved(at)) {
                case BtfType.Array(var element, var _, var count) -> {
                    elements = Math.multiplyHigh(elements, count) == 0 ? elements * count : Long.MAX_VALUE;
                    at = element;
                }
                case BtfType.Int t -> {
                    return total(id, elements, t.size());
                }
                case BtfType.Float t -> {
                    return total(id, elements, t.size());
                }
                case BtfType.Pointer _ -> {
                    return total(id, elements, 8);
                }
                case BtfType.Composite t -> {
                    return total(id, elements, t.size());
                }
                case BtfType.Enumeration t -> {
                    return total(id, elements, t.size());
                }
                case BtfType.Variable t -> at = t.type();
                case BtfType.DataSection t -> {
                    return t.size();
                }
                default -> {
                    return 0;
                }
            }
        }
        throw new BtfFormatException("type %d refers to others more than %d deep".formatted(id, MAX_DEPTH));
    }

    private static long total(int id, long elements, int size) {
        long bytes = elements * Integer.toUnsignedLong(size);
        if (elements < 0 || elements > Integer.MAX_VALUE || bytes > Integer.MAX_VALUE) {
            throw new BtfFormatException("type %d is too large".formatted(id));
        }
        return bytes;
    }
}

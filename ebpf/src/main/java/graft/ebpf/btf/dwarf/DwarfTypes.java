package graft.ebpf.btf.dwarf;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfBuilder;
import graft.ebpf.btf.BtfFormatException;
import graft.ebpf.btf.BtfType;
import graft.ebpf.btf.BtfType.Composite;
import graft.ebpf.btf.dwarf.Entry.Attribute;
import graft.platform.elf.ElfFile;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns the types of a program's debug information into BTF, so that CO-RE can follow the layout of that program's
 * structs. A struct that several source files share becomes one type when its members are at the same places.
 */
public final class DwarfTypes {
    private static final int MAX_TYPES = 0xf_ffff;
    private static final int SIGNED = 1;
    private static final int CHAR = 2;
    private static final int BOOL = 4;

    private final Map<Long, Entry> entries;
    private final BtfBuilder types = new BtfBuilder();
    private final Map<Entry, Integer> ids = new HashMap<>();
    private final Map<List<Object>, Integer> alike = new HashMap<>();
    private final Deque<Entry> waiting = new ArrayDeque<>();
    private final int index;

    private DwarfTypes(Map<Long, Entry> entries) {
        this.entries = entries;
        this.index = types.reserve();
        types.integer(index, "__ARRAY_SIZE_TYPE__", 4, 0);
    }

    /**
     * The types of a file; nothing when it has no debug information.
     *
     * @throws BtfFormatException when the debug information is damaged, or of a kind that is not known
     */
    public static Optional<Btf> of(ElfFile elf) {
        return DebugSections.of(elf).map(sections -> new DwarfTypes(new DebugInfo(sections).types()).convert());
    }

    private Btf convert() {
        entries.values().stream().filter(DwarfTypes::hasName).forEach(this::id);
        while (!waiting.isEmpty()) {
            Entry entry = waiting.poll();
            describe(ids.get(entry), entry);
        }
        return Btf.parse(types.bytes());
    }

    private static boolean hasName(Entry entry) {
        return !entry.name().isEmpty() && entry.value(Attribute.DECLARATION, 0) == 0;
    }

    /** The id of what an attribute refers to; {@code void} when that is no type. */
    private int target(Entry entry) {
        Entry target = entries.get(entry.value(Attribute.TYPE, -1));
        return target == null ? 0 : id(target);
    }

    private int id(Entry entry) {
        Integer known = ids.get(entry);
        if (known != null) {
            return known;
        }
        Integer same = isComparable(entry) ? alike.get(shape(entry)) : null;
        if (same != null) {
            ids.put(entry, same);
            return same;
        }
        int id = types.reserve();
        if (id > MAX_TYPES) {
            throw new BtfFormatException("more than %d types in the debug information".formatted(MAX_TYPES));
        }
        ids.put(entry, id);
        waiting.add(entry);
        if (isComparable(entry)) {
            alike.put(shape(entry), id);
        }
        return id;
    }

    private static boolean isComparable(Entry entry) {
        return switch (entry.tag()) {
            case Tag.STRUCTURE, Tag.CLASS, Tag.UNION, Tag.ENUMERATION, Tag.BASE ->
                !entry.name().isEmpty();
            default -> false;
        };
    }

    /** Equal for two descriptions of one type. */
    private static List<Object> shape(Entry entry) {
        List<Object> shape = new ArrayList<>(List.of(
                entry.tag(),
                entry.name(),
                entry.size(),
                entry.value(Attribute.DECLARATION, 0),
                entry.value(Attribute.ENCODING, 0)));
        for (Entry child : entry.children()) {
            shape.add(child.name());
            shape.add(child.value(Attribute.MEMBER_LOCATION, 0));
            shape.add(child.value(Attribute.DATA_BIT_OFFSET, 0));
            shape.add(child.value(Attribute.CONST_VALUE, 0));
        }
        return shape;
    }

    private void describe(int id, Entry entry) {
        switch (entry.tag()) {
            case Tag.BASE -> base(id, entry);
            case Tag.POINTER, Tag.REFERENCE, Tag.RVALUE_REFERENCE -> types.pointer(id, target(entry));
            case Tag.CONST, Tag.VOLATILE, Tag.RESTRICT, Tag.ATOMIC -> types.modifier(id, target(entry));
            case Tag.TYPEDEF -> types.typedef(id, entry.name(), target(entry));
            case Tag.STRUCTURE, Tag.CLASS -> composite(id, entry, Composite.Kind.STRUCT);
            case Tag.UNION -> composite(id, entry, Composite.Kind.UNION);
            case Tag.ENUMERATION -> enumeration(id, entry);
            case Tag.ARRAY -> array(id, entry);
            default -> prototype(id, entry);
        }
    }

    /** DWARF's encodings: 2 bool, 4 float, 5 signed, 6 signed char, 7 unsigned, 8 unsigned char, 16 UTF. */
    private void base(int id, Entry entry) {
        int encoding = (int) entry.value(Attribute.ENCODING, 7);
        switch (encoding) {
            case 3, 4 -> types.floating(id, entry.name(), entry.size());
            case 2 -> types.integer(id, entry.name(), entry.size(), BOOL);
            case 5 -> types.integer(id, entry.name(), entry.size(), SIGNED);
            case 6 -> types.integer(id, entry.name(), entry.size(), SIGNED | CHAR);
            case 8 -> types.integer(id, entry.name(), entry.size(), entry.name().equals("char") ? CHAR : 0);
            default -> types.integer(id, entry.name(), entry.size(), 0);
        }
    }

    private void composite(int id, Entry entry, Composite.Kind kind) {
        if (entry.value(Attribute.DECLARATION, 0) != 0) {
            types.forward(id, kind, entry.name());
            return;
        }
        List<BtfType.Member> members = new ArrayList<>();
        for (Entry child : entry.children()) {
            if (child.tag() == Tag.MEMBER && child.value(Attribute.DECLARATION, 0) == 0) {
                members.add(member(child));
            }
        }
        types.composite(id, new Composite(kind, entry.name(), entry.size(), members));
    }

    /** Bits count from the least one; older compilers count from the other end of the field's integer. */
    private BtfType.Member member(Entry entry) {
        int bits = Math.clamp(entry.value(Attribute.BIT_SIZE, 0), 0, 255);
        long start = entry.value(Attribute.MEMBER_LOCATION, 0) * 8;
        if (bits > 0) {
            long storage = entry.value(Attribute.BYTE_SIZE, 0) * 8;
            start += entry.value(
                    Attribute.DATA_BIT_OFFSET,
                    storage == 0 ? 0 : storage - entry.value(Attribute.BIT_OFFSET, 0) - bits);
        } else {
            start += entry.value(Attribute.DATA_BIT_OFFSET, 0);
        }
        return new BtfType.Member(entry.name(), target(entry), (int) start, bits);
    }

    private void enumeration(int id, Entry entry) {
        List<BtfType.Value> values = new ArrayList<>();
        boolean signed = false;
        for (Entry child : entry.children()) {
            if (child.tag() == Tag.ENUMERATOR) {
                long value = child.value(Attribute.CONST_VALUE, 0);
                signed |= value < 0;
                values.add(new BtfType.Value(child.name(), value));
            }
        }
        int size = entry.size() == 0 ? 4 : entry.size();
        types.enumeration(id, new BtfType.Enumeration(entry.name(), size, signed, values));
    }

    /** Each dimension but the first becomes an array of its own. */
    private void array(int id, Entry entry) {
        List<Integer> counts = entry.children().stream()
                .filter(child -> child.tag() == Tag.SUBRANGE)
                .map(DwarfTypes::count)
                .toList();
        int element = target(entry);
        for (int i = counts.size() - 1; i > 0; i--) {
            int inner = types.reserve();
            types.array(inner, element, index, counts.get(i));
            element = inner;
        }
        types.array(id, element, index, counts.isEmpty() ? 0 : counts.getFirst());
    }

    private static int count(Entry range) {
        long count = range.value(Attribute.COUNT, range.value(Attribute.UPPER_BOUND, -1) + 1);
        return count < 0 || count > Integer.MAX_VALUE ? 0 : (int) count;
    }

    private void prototype(int id, Entry entry) {
        List<Integer> parameters = entry.children().stream()
                .filter(child -> child.tag() == Tag.PARAMETER)
                .map(this::target)
                .toList();
        types.prototype(id, target(entry), parameters);
    }
}

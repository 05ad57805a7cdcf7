package graft.ebpf.btf.dwarf;

import graft.ebpf.btf.BtfFormatException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The entries of {@code .debug_info} that describe types, by offset. */
final class DebugInfo {
    private static final int MOST_ENTRIES = 4_000_000;
    private static final int MOST_ABBREVIATIONS = 4_000_000;
    private static final long MOST_LETTERS = 64 << 20;
    private static final int MAX_ATTRIBUTES = 256;
    private static final int NAME = 0x03;
    private static final Map<Integer, Entry.Attribute> ATTRIBUTES = attributes();

    private final DebugSections sections;
    private final Map<Long, Entry> types = new LinkedHashMap<>();
    private final Map<Long, Map<Long, Abbreviation>> tables = new HashMap<>();
    private final Map<Form.Place, String> texts = new HashMap<>();
    private int entries;
    private int abbreviated;
    private long letters;

    private record Field(int attribute, int form, long implicit) {}

    private record Abbreviation(int tag, boolean hasChildren, List<Field> fields) {}

    DebugInfo(DebugSections sections) {
        this.sections = sections;
        Bytes info = sections.info().at(0);
        while (info.hasMore()) {
            unit(info);
        }
    }

    private static Map<Integer, Entry.Attribute> attributes() {
        Map<Integer, Entry.Attribute> all = new HashMap<>();
        for (Entry.Attribute attribute : Entry.Attribute.values()) {
            all.put(attribute.number(), attribute);
        }
        return Map.copyOf(all);
    }

    /** In file order. */
    Map<Long, Entry> types() {
        return types;
    }

    private void unit(Bytes info) {
        long start = info.place();
        long length = info.unsigned(4);
        int offsetSize = 4;
        if (length == 0xffffffffL) {
            length = info.unsigned(8);
            offsetSize = 8;
        }
        long end = info.place() + length;
        if (length < 4 || end > info.size()) {
            throw new BtfFormatException(".debug_info: a unit of %d bytes at 0x%x".formatted(length, start));
        }
        int version = (int) info.unsigned(2);
        if (version >= 2 && version <= 5) {
            int kind = version == 5 ? (int) info.unsigned(1) : 1;
            int addressSize = version == 5 ? (int) info.unsigned(1) : 0;
            long abbreviations = info.unsigned(offsetSize);
            addressSize = version == 5 ? addressSize : (int) info.unsigned(1);
            info.skip(headerRest(kind, offsetSize));
            Map<Long, Abbreviation> table = tables.computeIfAbsent(abbreviations, this::table);
            Form.Unit unit = new Form.Unit(sections, start, version, offsetSize, addressSize, 2L * offsetSize);
            tree(info, end, unit, table);
        }
        info.go(end);
    }

    /** Units of types have a signature and a place more, units of split files only an id. */
    private static int headerRest(int kind, int offsetSize) {
        return switch (kind) {
            case 2, 6 -> 8 + offsetSize;
            case 4, 5 -> 8;
            default -> 0;
        };
    }

    private Map<Long, Abbreviation> table(long offset) {
        Bytes in = sections.abbreviations().at(offset);
        Map<Long, Abbreviation> table = new HashMap<>();
        for (long code = in.uleb(); code != 0; code = in.hasMore() ? in.uleb() : 0) {
            int tag = (int) in.uleb();
            boolean hasChildren = in.unsigned(1) != 0;
            List<Field> fields = new ArrayList<>();
            int attribute = (int) in.uleb();
            int form = (int) in.uleb();
            while (attribute != 0 || form != 0) {
                fields.add(new Field(attribute, form, form == 0x21 ? in.sleb() : 0));
                if (fields.size() > MAX_ATTRIBUTES) {
                    throw new BtfFormatException(".debug_abbrev: an entry of too many attributes");
                }
                attribute = (int) in.uleb();
                form = (int) in.uleb();
            }
            abbreviated += 1 + fields.size();
            if (abbreviated > MOST_ABBREVIATIONS) {
                throw new BtfFormatException(".debug_abbrev: more than %d fields".formatted(MOST_ABBREVIATIONS));
            }
            table.put(code, new Abbreviation(tag, hasChildren, List.copyOf(fields)));
        }
        return table;
    }

    private void tree(Bytes info, long end, Form.Unit first, Map<Long, Abbreviation> table) {
        Form.Unit unit = first;
        Deque<Entry> open = new ArrayDeque<>();
        while (info.place() < end) {
            long offset = info.place();
            long code = info.uleb();
            if (code == 0) {
                open.poll();
                continue;
            }
            Abbreviation abbreviation = table.get(code);
            if (abbreviation == null) {
                throw new BtfFormatException(".debug_info: no abbreviation %d at 0x%x".formatted(code, offset));
            }
            Entry entry = new Entry(abbreviation.tag);
            fields(info, unit, abbreviation, entry);
            if (open.isEmpty()) {
                long base = entry.value(Entry.Attribute.STRING_OFFSETS_BASE, unit.stringOffsets());
                unit = new Form.Unit(
                        unit.sections(), unit.start(), unit.version(), unit.offsetSize(), unit.addressSize(), base);
            }
            keep(offset, entry, open);
            if (abbreviation.hasChildren) {
                open.push(entry);
            }
        }
    }

    private void keep(long offset, Entry entry, Deque<Entry> open) {
        boolean isPart = Tag.isPart(entry.tag());
        if (!isPart && !Tag.isType(entry.tag())) {
            return;
        }
        entries++;
        if (entries > MOST_ENTRIES) {
            throw new BtfFormatException(".debug_info: more than %d entries of types".formatted(MOST_ENTRIES));
        }
        if (isPart && !open.isEmpty()) {
            open.peek().children().add(entry);
        }
        if (!isPart) {
            types.put(offset, entry);
        }
    }

    private void fields(Bytes info, Form.Unit unit, Abbreviation abbreviation, Entry entry) {
        boolean isWanted = Tag.isPart(entry.tag()) || Tag.isType(entry.tag());
        for (Field field : abbreviation.fields) {
            Form form = Form.read(field.form, field.implicit, info, unit);
            if (field.attribute == NAME && isWanted) {
                form.text().ifPresent(place -> entry.call(text(place)));
            }
            Entry.Attribute attribute = ATTRIBUTES.get(field.attribute);
            if (attribute != null) {
                form.number().ifPresent(value -> entry.put(attribute, value));
            }
        }
    }

    private String text(Form.Place place) {
        return texts.computeIfAbsent(place, wanted -> {
            String text = wanted.read();
            letters += text.length();
            if (letters > MOST_LETTERS) {
                throw new BtfFormatException(".debug_info: names of more than %d letters".formatted(MOST_LETTERS));
            }
            return text;
        });
    }
}

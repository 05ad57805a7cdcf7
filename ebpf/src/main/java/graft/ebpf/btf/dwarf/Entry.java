package graft.ebpf.btf.dwarf;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** One entry that says something about types. */
final class Entry {
    /** What is read of entries; the numbers are DWARF's. */
    enum Attribute {
        BYTE_SIZE(0x0b),
        BIT_OFFSET(0x0c),
        BIT_SIZE(0x0d),
        CONST_VALUE(0x1c),
        UPPER_BOUND(0x2f),
        COUNT(0x37),
        MEMBER_LOCATION(0x38),
        DECLARATION(0x3c),
        ENCODING(0x3e),
        TYPE(0x49),
        DATA_BIT_OFFSET(0x6b),
        STRING_OFFSETS_BASE(0x72);

        private final int number;

        Attribute(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }
    }

    private final int tag;
    private final List<Entry> children = new ArrayList<>(0);
    private final Map<Attribute, Long> values = new EnumMap<>(Attribute.class);
    private String name = "";

    Entry(int tag) {
        this.tag = tag;
    }

    int tag() {
        return tag;
    }

    String name() {
        return name;
    }

    List<Entry> children() {
        return children;
    }

    void call(String text) {
        name = text;
    }

    void put(Attribute attribute, long value) {
        values.put(attribute, value);
    }

    OptionalLong value(Attribute attribute) {
        Long value = values.get(attribute);
        return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    }

    long value(Attribute attribute, long otherwise) {
        return values.getOrDefault(attribute, otherwise);
    }

    int size() {
        long size = value(Attribute.BYTE_SIZE, 0);
        return size < 0 || size > Integer.MAX_VALUE ? 0 : (int) size;
    }
}

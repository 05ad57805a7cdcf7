package graft.ebpf.btf.dwarf;

import graft.ebpf.btf.BtfFormatException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What an attribute's form holds.
 *
 * @param number a constant, a flag, or a reference as an offset in {@code .debug_info}
 * @param text where a string is, which few ask for
 */
record Form(OptionalLong number, Optional<Place> text) {
    private static final Form NOTHING = new Form(OptionalLong.empty(), Optional.empty());
    private static final int PLUS = 0x23;
    private static final int IMPLICIT = 0x21;
    private static final int INDIRECT = 0x16;

    /** Sizes and tables of the unit whose attributes are read. */
    record Unit(DebugSections sections, long start, int version, int offsetSize, int addressSize, long stringOffsets) {}

    /** Where a string begins. */
    record Place(Bytes section, long offset) {
        String read() {
            return section.at(offset).text();
        }
    }

    private static Form number(long value) {
        return new Form(OptionalLong.of(value), Optional.empty());
    }

    private static Form text(Bytes section, long place) {
        return new Form(OptionalLong.empty(), Optional.of(new Place(section, place)));
    }

    /** Reads one value; {@code implicit} is what the abbreviation itself says. */
    static Form read(int form, long implicit, Bytes in, Unit unit) {
        return switch (form) {
            case 0x01 -> skipped(in, unit.addressSize);
            case 0x03 -> skipped(in, in.unsigned(2));
            case 0x04 -> skipped(in, in.unsigned(4));
            case 0x09 -> skipped(in, in.uleb());
            case 0x0a -> skipped(in, in.unsigned(1));
            case 0x05 -> number(in.unsigned(2));
            case 0x06 -> number(in.unsigned(4));
            case 0x07 -> number(in.unsigned(8));
            case 0x0b, 0x0c -> number(in.unsigned(1));
            case 0x0d -> number(in.sleb());
            case 0x0f -> number(in.uleb());
            case 0x08 -> inside(in);
            case 0x0e -> text(unit.sections.strings(), in.unsigned(unit.offsetSize));
            case 0x1f -> text(unit.sections.lineStrings(), in.unsigned(unit.offsetSize));
            case 0x1a -> indexed(unit, in.uleb());
            case 0x25, 0x26, 0x27, 0x28 -> indexed(unit, in.unsigned(form - 0x24));
            case 0x10 -> number(in.unsigned(unit.version == 2 ? unit.addressSize : unit.offsetSize));
            case 0x11 -> number(unit.start + in.unsigned(1));
            case 0x12 -> number(unit.start + in.unsigned(2));
            case 0x13 -> number(unit.start + in.unsigned(4));
            case 0x14 -> number(unit.start + in.unsigned(8));
            case 0x15 -> number(unit.start + in.uleb());
            case 0x17, 0x1d, 0x1f20, 0x1f21 -> skipped(in, unit.offsetSize);
            case 0x18 -> location(in);
            case 0x19 -> number(1);
            case 0x1b, 0x22, 0x23, 0x1f01, 0x1f02 -> passed(in);
            case 0x1c -> skipped(in, 4);
            case 0x1e -> skipped(in, 16);
            case 0x20, 0x24 -> skipped(in, 8);
            case 0x29, 0x2a, 0x2b, 0x2c -> skipped(in, form - 0x28);
            case IMPLICIT -> number(implicit);
            case INDIRECT -> indirect(in, unit);
            default -> throw new BtfFormatException(".debug_abbrev: form 0x%x is not known".formatted(form));
        };
    }

    private static Form indirect(Bytes in, Unit unit) {
        int form = (int) in.uleb();
        if (form == INDIRECT || form == IMPLICIT) {
            throw new BtfFormatException(".debug_info: form 0x%x in place of another".formatted(form));
        }
        return read(form, 0, in, unit);
    }

    private static Form skipped(Bytes in, long count) {
        in.skip(count);
        return NOTHING;
    }

    private static Form passed(Bytes in) {
        in.uleb();
        return NOTHING;
    }

    private static Form inside(Bytes in) {
        int start = in.place();
        in.skipText();
        return text(in, start);
    }

    /** A first entry names its file before it says where the table is: such a place is no string, and nobody asks for it. */
    private static Form indexed(Unit unit, long index) {
        Bytes table = unit.sections.stringOffsets();
        long place = unit.stringOffsets + index * unit.offsetSize;
        boolean exists = index >= 0 && index < table.size() && place >= 0 && place <= table.size() - unit.offsetSize;
        return exists
                ? text(unit.sections.strings(), table.at(place).unsigned(unit.offsetSize))
                : text(unit.sections.strings(), -1);
    }

    /** Older compilers write the place of a member as an operation. */
    private static Form location(Bytes in) {
        long length = in.uleb();
        int start = in.place();
        Form found = NOTHING;
        if (length > 1 && in.at(start).unsigned(1) == PLUS) {
            Bytes operand = in.at(start);
            operand.skip(1);
            found = number(operand.uleb());
        }
        in.skip(length);
        return found;
    }
}

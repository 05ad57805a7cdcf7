package graft.ebpf.btf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Bytes of a map's key or value as a {@link FormattedValue}, by their BTF type. Without a type, where the bytes are too
 * few for it, and where the type contradicts itself: sizes of 1, 2, 4 and 8 as unsigned integers, anything else in
 * hexadecimal.
 */
public final class ValueFormatter {
    private static final int MAX_DEPTH = 16;
    private static final int CHAR = 2;
    private static final int BOOL = 4;

    private final Optional<Btf> types;

    /** @param types of the object that the map comes from */
    public ValueFormatter(Optional<Btf> types) {
        this.types = types;
    }

    /** Formats {@code bytes}. */
    public FormattedValue format(byte[] bytes, OptionalInt type) {
        if (types.isEmpty() || type.isEmpty()) {
            return untyped(bytes);
        }
        try {
            return types.get().size(type.getAsInt()) > bytes.length
                    ? untyped(bytes)
                    : value(types.get(), type.getAsInt(), Place.first(bytes));
        } catch (BtfFormatException contradiction) {
            return untyped(bytes);
        }
    }

    /** How many more values may be shown: members of members of unions can be more than anybody could read. */
    private static final class Budget {
        private long left;

        Budget(long left) {
            this.left = left;
        }

        void take(long values) {
            left -= values;
            if (left < 0) {
                throw new BtfFormatException("a type with too many values in it");
            }
        }
    }

    private record Place(ByteBuffer bytes, long at, int depth, Budget budget) {
        static Place first(byte[] bytes) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            return new Place(buffer, 0, 0, new Budget(8L * bytes.length + 1024));
        }

        Place inside(long offset) {
            return new Place(bytes, at + offset, depth + 1, budget);
        }

        /** The index of a byte here, {@code size} of which are about to be read. */
        int index(long offset, long size) {
            long from = at + offset;
            if (offset < 0 || from < 0 || size < 0 || from > bytes.limit() - size) {
                throw new BtfFormatException("%d bytes at %d of a value of %d".formatted(size, from, bytes.limit()));
            }
            return (int) from;
        }
    }

    private static FormattedValue untyped(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return switch (bytes.length) {
            case 1, 2, 4, 8 -> new FormattedValue.Number(Long.toUnsignedString(unsigned(buffer, 0, bytes.length)));
            default -> new FormattedValue.Text("0x" + HexFormat.of().formatHex(bytes));
        };
    }

    private static FormattedValue value(Btf btf, int id, Place place) {
        if (place.depth() > MAX_DEPTH) {
            throw new BtfFormatException("type %d is nested more than %d deep".formatted(id, MAX_DEPTH));
        }
        place.budget().take(1);
        return switch (btf.resolved(id)) {
            case BtfType.Int type when type.size() > 8 -> hexadecimal(place, type.size());
            case BtfType.Int type -> integer(type, bits(place, 0, type.size() * 8), type.size() * 8);
            case BtfType.Enumeration type -> enumeration(type, bits(place, 0, type.size() * 8));
            case BtfType.Pointer _ -> new FormattedValue.Text("0x" + Long.toHexString(bits(place, 0, 64)));
            case BtfType.Array type -> array(btf, type, place);
            case BtfType.Composite type -> composite(btf, type, place);
            case BtfType.Float type when !isNumber(type) -> hexadecimal(place, type.size());
            case BtfType.Float type -> floating(type, place);
            case BtfType.Variable type -> value(btf, type.type(), place.inside(0));
            case BtfType.DataSection type -> section(btf, type, place);
            case BtfType.Forward _,
                    BtfType.Typedef _,
                    BtfType.Modifier _,
                    BtfType.Function _,
                    BtfType.Prototype _,
                    BtfType.DeclarationTag _,
                    BtfType.Void _ -> new FormattedValue.Text("?");
        };
    }

    private static FormattedValue hexadecimal(Place place, int size) {
        int at = place.index(0, size);
        byte[] bytes = new byte[size];
        place.bytes().get(at, bytes);
        return untyped(bytes);
    }

    private static FormattedValue floating(BtfType.Float type, Place place) {
        if (type.size() == Float.BYTES) {
            float value = place.bytes().getFloat(place.index(0, Float.BYTES));
            return number(Float.toString(value), Float.isFinite(value));
        }
        double value = place.bytes().getDouble(place.index(0, Double.BYTES));
        return number(Double.toString(value), Double.isFinite(value));
    }

    private static FormattedValue number(String text, boolean isFinite) {
        return isFinite ? new FormattedValue.Number(text) : new FormattedValue.Text(text);
    }

    /** {@code float} and {@code double}; not {@code _Float16} and {@code long double}. */
    static boolean isNumber(BtfType.Float type) {
        return type.size() == Float.BYTES || type.size() == Double.BYTES;
    }

    private static FormattedValue integer(BtfType.Int type, long value, int bits) {
        if (isBoolean(type)) {
            return new FormattedValue.Number(value == 0 ? "false" : "true");
        }
        return new FormattedValue.Number(
                type.isSigned() ? Long.toString(value << 64 - bits >> 64 - bits) : Long.toUnsignedString(value));
    }

    static boolean isBoolean(BtfType.Int type) {
        return (type.encoding() & BOOL) != 0;
    }

    private static FormattedValue enumeration(BtfType.Enumeration type, long value) {
        int unused = 64 - type.size() * 8;
        long number = type.isSigned() ? value << unused >> unused : value;
        return type.values().stream()
                .filter(named -> named.value() == number)
                .findFirst()
                .<FormattedValue>map(named -> new FormattedValue.Text(named.name()))
                .orElseGet(() -> new FormattedValue.Number(
                        type.isSigned() ? Long.toString(number) : Long.toUnsignedString(number)));
    }

    private static FormattedValue array(Btf btf, BtfType.Array type, Place place) {
        long count = type.count();
        if (isCharacter(btf.resolved(type.element()))) {
            int at = place.index(0, count);
            int end = 0;
            while (end < count && place.bytes().get(at + end) != 0) {
                end++;
            }
            byte[] text = new byte[end];
            place.bytes().get(at, text);
            return new FormattedValue.Text(new String(text, StandardCharsets.UTF_8));
        }
        long size = btf.size(type.element());
        List<FormattedValue> elements = new ArrayList<>();
        place.budget().take(count);
        for (long i = 0; i < count; i++) {
            elements.add(value(btf, type.element(), place.inside(i * size)));
        }
        return new FormattedValue.Sequence(elements);
    }

    /** {@code char}, by its encoding or its name: clang gives it the encoding of a signed byte. */
    static boolean isCharacter(BtfType type) {
        return type instanceof BtfType.Int(var name, var size, var _, var encoding)
                && size == 1
                && ((encoding & CHAR) != 0 || name.equals("char"));
    }

    private static FormattedValue composite(Btf btf, BtfType.Composite type, Place place) {
        List<FormattedValue.Member> members = new ArrayList<>();
        for (BtfType.Member member : type.members()) {
            FormattedValue value = member.bitSize() == 0
                    ? value(btf, member.type(), place.inside(member.bitOffset() / 8))
                    : bitField(btf, member, place);
            members.add(new FormattedValue.Member(member.name(), value));
        }
        return new FormattedValue.Record(members);
    }

    /** The variables of global data, as if they were members. */
    private static FormattedValue section(Btf btf, BtfType.DataSection type, Place place) {
        type.requirePlaces();
        List<FormattedValue.Member> members = new ArrayList<>();
        for (BtfType.Place variable : type.places()) {
            FormattedValue value = value(btf, variable.variable(), place.inside(variable.offset()));
            members.add(new FormattedValue.Member(btf.type(variable.variable()).typeName(), value));
        }
        return new FormattedValue.Record(members);
    }

    private static FormattedValue bitField(Btf btf, BtfType.Member member, Place place) {
        long value = bits(place, member.bitOffset(), member.bitSize());
        return switch (btf.resolved(member.type())) {
            case BtfType.Int type -> integer(type, value, member.bitSize());
            default -> new FormattedValue.Number(Long.toUnsignedString(value));
        };
    }

    private static long bits(Place place, int offset, int count) {
        if (offset < 0 || count <= 0) {
            throw new BtfFormatException("%d bits at %d".formatted(count, offset));
        }
        int shift = offset % 8;
        int bytes = Math.min(8, (shift + Math.min(count, 64) + 7) / 8);
        long value = unsigned(place.bytes(), place.index(offset / 8, bytes), bytes) >>> shift;
        return count >= 64 ? value : value & (1L << count) - 1;
    }

    private static long unsigned(ByteBuffer buffer, int at, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = value << 8 | buffer.get(at + i) & 0xff;
        }
        return value;
    }
}

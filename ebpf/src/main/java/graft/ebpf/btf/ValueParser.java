package graft.ebpf.btf;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The other way round: bytes of a map's key or value from a {@link FormattedValue}. What {@link ValueFormatter} writes is
 * understood here and gives the same bytes, but for padding and what follows the end of a text, which are 0. Nothing is guessed: a member that is missing or
 * unknown, and a number that does not fit, are refused.
 */
public final class ValueParser {
    private static final int MAX_DEPTH = 16;
    private static final String HEXADECIMAL = "0x";

    private final Optional<Btf> types;

    /** @param types of the object that the map comes from */
    public ValueParser(Optional<Btf> types) {
        this.types = types;
    }

    /** What became of a value. */
    public sealed interface Parsing {
        /** As the map has it. */
        record Parsed(byte[] bytes) implements Parsing {}

        /**
         * It does not fit.
         *
         * @param where the member or element, empty for the value as a whole
         * @param why in words that follow it
         */
        record Refused(String where, String why) implements Parsing {}
    }

    private static final class Misfit extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final String where;

        Misfit(String where, String why) {
            super(why, null, false, false);
            this.where = where;
        }
    }

    /** @param size bytes of the key or value */
    public Parsing parse(FormattedValue value, OptionalInt type, int size) {
        try {
            boolean typed = types.isPresent() && type.isPresent() && types.get().size(type.getAsInt()) <= size;
            if (!typed) {
                return new Parsing.Parsed(untyped(value, size, ""));
            }
            ValueImage image = new ValueImage(size);
            put(types.get(), type.getAsInt(), value, new Spot(image, 0, "", 0));
            return new Parsing.Parsed(image.bytes());
        } catch (Misfit misfit) {
            return new Parsing.Refused(misfit.where, misfit.getMessage());
        } catch (BtfFormatException contradiction) {
            return new Parsing.Refused("", "cannot be typed: " + contradiction.getMessage());
        }
    }

    /** Where a value goes. */
    private record Spot(ValueImage image, long bit, String name, int depth) {
        Spot member(String member, long bits) {
            return new Spot(image, bit + bits, name.isEmpty() ? member : name + "." + member, depth + 1);
        }

        Spot element(long index, long bits) {
            return new Spot(image, bit + bits, name + "[" + index + "]", depth + 1);
        }

        /** A value without a name of its own. */
        Spot inside(long bits) {
            return new Spot(image, bit + bits, name, depth + 1);
        }

        Misfit misfit(String why) {
            return new Misfit(name, why);
        }

        void write(int count, long value) {
            if (!image.write(bit, count, value)) {
                throw misfit("contradicts another member of the same union, or lies outside the value");
            }
        }
    }

    private static byte[] untyped(FormattedValue value, int size, String where) {
        boolean isNumber = size == 1 || size == 2 || size == 4 || size == 8;
        ValueImage image = new ValueImage(size);
        Spot spot = new Spot(image, 0, where, 0);
        if (isNumber && !(value instanceof FormattedValue.Sequence)) {
            spot.write(size * 8, integer(value, size * 8, Sign.EITHER, spot));
            return image.bytes();
        }
        if (value instanceof FormattedValue.Sequence(var elements) && elements.size() == size) {
            for (int i = 0; i < size; i++) {
                Spot element = spot.element(i, i * 8L);
                element.write(8, integer(elements.get(i), 8, Sign.EITHER, element));
            }
            return image.bytes();
        }
        return hexadecimal(value, size, spot);
    }

    private static byte[] hexadecimal(FormattedValue value, int size, Spot spot) {
        String text = value.toString();
        if (!text.startsWith(HEXADECIMAL) || !text.matches("0x(?:[0-9a-fA-F]{2}){" + size + "}")) {
            throw spot.misfit(
                    "is no 0x and %d hexadecimal digits, for %d bytes as they are in memory".formatted(2 * size, size));
        }
        return HexFormat.of().parseHex(text.substring(HEXADECIMAL.length()));
    }

    private static void put(Btf btf, int id, FormattedValue value, Spot spot) {
        requireFlat(spot.depth(), btf.type(id));
        switch (btf.resolved(id)) {
            case BtfType.Int type when type.size() > 8 -> bytes(hexadecimal(value, type.size(), spot), spot);
            case BtfType.Int type -> spot.write(type.size() * 8, integer(type, value, type.size() * 8, spot));
            case BtfType.Enumeration type -> spot.write(type.size() * 8, enumerated(type, value, spot));
            case BtfType.Pointer _ -> spot.write(Long.SIZE, integer(value, Long.SIZE, Sign.UNSIGNED, spot));
            case BtfType.Array type -> array(btf, type, value, spot);
            case BtfType.Composite type -> {
                Map<String, FormattedValue> given = members(value, spot);
                composite(btf, type, given, spot);
                requireEmpty(given, names(btf, type, spot.depth()), spot);
            }
            case BtfType.Float type
            when !ValueFormatter.isNumber(type) -> bytes(untyped(value, type.size(), spot.name()), spot);
            case BtfType.Float type -> floating(type, value, spot);
            case BtfType.Variable type -> put(btf, type.type(), value, spot.inside(0));
            case BtfType.DataSection type -> section(btf, type, value, spot);
            case BtfType.Forward _,
                    BtfType.Typedef _,
                    BtfType.Modifier _,
                    BtfType.Function _,
                    BtfType.Prototype _,
                    BtfType.DeclarationTag _,
                    BtfType.Void _ -> throw spot.misfit("is of a type that has no values");
        }
    }

    private static void requireFlat(int depth, BtfType type) {
        if (depth > MAX_DEPTH) {
            throw new BtfFormatException("%s is nested more than %d deep".formatted(type.typeName(), MAX_DEPTH));
        }
    }

    private static void bytes(byte[] bytes, Spot spot) {
        for (int i = 0; i < bytes.length; i++) {
            spot.inside(i * 8L).write(8, bytes[i]);
        }
    }

    private static void array(Btf btf, BtfType.Array type, FormattedValue value, Spot spot) {
        if (value instanceof FormattedValue.Text(var text)
                && ValueFormatter.isCharacter(btf.resolved(type.element()))) {
            byte[] characters = text.getBytes(StandardCharsets.UTF_8);
            if (characters.length > type.count()) {
                throw spot.misfit("has room for %d bytes, not %d".formatted(type.count(), characters.length));
            }
            bytes(characters, spot);
            return;
        }
        if (!(value instanceof FormattedValue.Sequence(var elements)) || elements.size() != type.count()) {
            throw spot.misfit("is an array: [ and " + type.count() + " elements, with commas between them ]");
        }
        long size = btf.size(type.element());
        for (int i = 0; i < elements.size(); i++) {
            put(btf, type.element(), elements.get(i), spot.element(i, i * size * 8));
        }
    }

    private static Map<String, FormattedValue> members(FormattedValue value, Spot spot) {
        if (!(value instanceof FormattedValue.Record(var members))) {
            throw spot.misfit("is a struct: {\"member\": value, ...}");
        }
        Map<String, FormattedValue> given = new LinkedHashMap<>();
        flatten(members, given, spot);
        return given;
    }

    /** What is in an unnamed struct or union belongs to the one around it, as in C. */
    private static void flatten(List<FormattedValue.Member> members, Map<String, FormattedValue> given, Spot spot) {
        for (FormattedValue.Member member : members) {
            if (member.name().isEmpty() && member.value() instanceof FormattedValue.Record(var inner)) {
                flatten(inner, given, spot);
            } else if (given.put(member.name(), member.value()) != null) {
                throw spot.misfit("has the member %s twice".formatted(member.name()));
            }
        }
    }

    /** Takes what belongs to it out of {@code given}; of a union one member is enough. */
    private static boolean composite(Btf btf, BtfType.Composite type, Map<String, FormattedValue> given, Spot spot) {
        requireFlat(spot.depth(), type);
        boolean isUnion = type.kind() == BtfType.Composite.Kind.UNION;
        List<String> missing = new ArrayList<>();
        boolean any = false;
        for (BtfType.Member member : type.members()) {
            boolean found = member(btf, member, given, spot, isUnion);
            any |= found;
            if (!found && !member.name().isEmpty()) {
                missing.add(member.name());
            }
        }
        if (!missing.isEmpty() && !(isUnion && any)) {
            throw spot.misfit(
                    (isUnion ? "needs one of the members " : "lacks the members ") + String.join(", ", missing));
        }
        return any;
    }

    private static boolean member(
            Btf btf, BtfType.Member member, Map<String, FormattedValue> given, Spot spot, boolean isOptional) {
        if (member.name().isEmpty() && btf.resolved(member.type()) instanceof BtfType.Composite inner) {
            boolean mentioned = names(btf, inner, spot.depth() + 1).stream().anyMatch(given::containsKey);
            return (mentioned || !isOptional) && composite(btf, inner, given, spot.inside(member.bitOffset()));
        }
        FormattedValue value = given.remove(member.name());
        if (value == null) {
            return member.name().isEmpty();
        }
        Spot place = spot.member(member.name(), member.bitOffset());
        if (member.bitSize() == 0) {
            put(btf, member.type(), value, place);
        } else {
            place.write(
                    member.bitSize(),
                    btf.resolved(member.type()) instanceof BtfType.Int type
                            ? integer(type, value, member.bitSize(), place)
                            : integer(value, member.bitSize(), Sign.UNSIGNED, place));
        }
        return true;
    }

    private static List<String> names(Btf btf, BtfType.Composite type, int depth) {
        requireFlat(depth, type);
        List<String> names = new ArrayList<>();
        for (BtfType.Member member : type.members()) {
            if (member.name().isEmpty() && btf.resolved(member.type()) instanceof BtfType.Composite inner) {
                names.addAll(names(btf, inner, depth + 1));
            } else {
                names.add(member.name());
            }
        }
        return names;
    }

    private static void requireEmpty(Map<String, FormattedValue> left, List<String> known, Spot spot) {
        if (!left.isEmpty()) {
            throw spot.misfit("has no member %s; it has: %s"
                    .formatted(left.keySet().iterator().next(), String.join(", ", known)));
        }
    }

    private static void section(Btf btf, BtfType.DataSection type, FormattedValue value, Spot spot) {
        type.requirePlaces();
        Map<String, FormattedValue> given = members(value, spot);
        List<String> known = new ArrayList<>();
        for (BtfType.Place place : type.places()) {
            String name = btf.type(place.variable()).typeName();
            known.add(name);
            FormattedValue variable = given.remove(name);
            if (variable == null) {
                throw spot.misfit("lacks the variable " + name);
            }
            put(btf, place.variable(), variable, spot.member(name, place.offset() * 8L));
        }
        requireEmpty(given, known, spot);
    }

    private static void floating(BtfType.Float type, FormattedValue value, Spot spot) {
        try {
            double number = Double.parseDouble(value.toString());
            spot.write(
                    type.size() * 8,
                    type.size() == Float.BYTES
                            ? Float.floatToRawIntBits((float) number)
                            : Double.doubleToRawLongBits(number));
        } catch (NumberFormatException _) {
            throw spot.misfit("is a number with a point, not " + value);
        }
    }

    private static long enumerated(BtfType.Enumeration type, FormattedValue value, Spot spot) {
        String word = value.toString();
        Optional<BtfType.Value> named =
                type.values().stream().filter(one -> one.name().equals(word)).findFirst();
        if (named.isPresent()) {
            return named.get().value();
        }
        if (!word.matches("-?[0-9].*")) {
            throw spot.misfit("is one of %s, not %s"
                    .formatted(
                            String.join(
                                    ", ",
                                    type.values().stream()
                                            .map(BtfType.Value::name)
                                            .toList()),
                            word));
        }
        return integer(value, type.size() * 8, type.isSigned() ? Sign.SIGNED : Sign.UNSIGNED, spot);
    }

    private static long integer(BtfType.Int type, FormattedValue value, int bits, Spot spot) {
        if (ValueFormatter.isBoolean(type)) {
            return switch (value.toString()) {
                case "true", "1" -> 1;
                case "false", "0" -> 0;
                default -> throw spot.misfit("is true or false, not " + value);
            };
        }
        return integer(value, bits, type.isSigned() ? Sign.SIGNED : Sign.UNSIGNED, spot);
    }

    /** What a number may be. */
    private enum Sign {
        SIGNED,
        UNSIGNED,
        /** The type is not known. */
        EITHER
    }

    private static long integer(FormattedValue value, int bits, Sign sign, Spot spot) {
        String text = value.toString();
        boolean isNumber = value instanceof FormattedValue.Number || value instanceof FormattedValue.Text;
        if (!text.matches("-?[0-9]+|0x[0-9a-fA-F]+")) {
            throw spot.misfit("is a whole number, not " + text);
        }
        BigInteger number = text.startsWith(HEXADECIMAL)
                ? new BigInteger(text.substring(HEXADECIMAL.length()), 16)
                : new BigInteger(text);
        BigInteger least = sign == Sign.UNSIGNED
                ? BigInteger.ZERO
                : BigInteger.ONE.shiftLeft(bits - 1).negate();
        BigInteger end = BigInteger.ONE.shiftLeft(sign == Sign.SIGNED ? bits - 1 : bits);
        if (!isNumber || number.compareTo(least) < 0 || number.compareTo(end) >= 0) {
            throw spot.misfit("is a number from %s to %s, not %s".formatted(least, end.subtract(BigInteger.ONE), text));
        }
        return number.longValue();
    }
}

package graft.ebpf.btf;

import java.util.Comparator;
import java.util.List;

/** One BTF type; other types are referred to by id, and 0 is {@code void}. Unnamed types have an empty name. */
public sealed interface BtfType {
    /** An integer; {@code encoding} has the bits signed 1, char 2, bool 4. */
    record Int(String name, int size, int bits, int encoding) implements BtfType {
        public boolean isSigned() {
            return (encoding & 1) != 0;
        }
    }

    /** A floating-point number. */
    record Float(String name, int size) implements BtfType {}

    /** A pointer. */
    record Pointer(int target) implements BtfType {}

    /** An array. */
    record Array(int element, int index, long count) implements BtfType {}

    /** A struct or union. */
    record Composite(Kind kind, String name, int size, List<Member> members) implements BtfType {
        /** Which of the two. */
        public enum Kind {
            STRUCT,
            UNION
        }
    }

    /** A member; {@code bitSize} is 0 unless it is a bit field. */
    record Member(String name, int type, int bitOffset, int bitSize) {}

    /** An enumeration of 32 or 64 bits. */
    record Enumeration(String name, int size, boolean isSigned, List<Value> values) implements BtfType {}

    /** One name of an enumeration. */
    record Value(String name, long value) {}

    /** A struct or union declared elsewhere. */
    record Forward(Composite.Kind kind, String name) implements BtfType {}

    /** A typedef. */
    record Typedef(String name, int target) implements BtfType {}

    /** {@code const}, {@code volatile}, {@code restrict} or a type tag. */
    record Modifier(String name, int target) implements BtfType {}

    /** A function; {@code prototype} is a {@link Prototype}. */
    record Function(String name, int prototype, int linkage) implements BtfType {}

    /** A function's type. */
    record Prototype(int result, List<Member> parameters) implements BtfType {}

    /** A global variable. */
    record Variable(String name, int type, int linkage) implements BtfType {}

    /** A data section. */
    record DataSection(String name, int size, List<Place> places) implements BtfType {
        /** Compilers give all variables the place 0, which a loader corrects where it can. */
        void requirePlaces() {
            List<Place> inOrder = places.stream()
                    .sorted(Comparator.comparingInt(Place::offset))
                    .toList();
            for (int i = 1; i < inOrder.size(); i++) {
                Place before = inOrder.get(i - 1);
                if (before.offset() + (long) before.size() > inOrder.get(i).offset()) {
                    throw new BtfFormatException("the places of the variables of %s are not known".formatted(name));
                }
            }
        }
    }

    /** Where a variable is in its section. */
    record Place(int variable, int offset, int size) {}

    /** An attribute of a declaration. */
    record DeclarationTag(String name, int target, int component) implements BtfType {}

    /** Type 0. */
    record Void() implements BtfType {}

    /** The type's own name, empty where it has none. */
    default String typeName() {
        return switch (this) {
            case Int t -> t.name;
            case Float t -> t.name;
            case Composite t -> t.name;
            case Enumeration t -> t.name;
            case Forward t -> t.name;
            case Typedef t -> t.name;
            case Modifier t -> t.name;
            case Function t -> t.name;
            case Variable t -> t.name;
            case DataSection t -> t.name;
            case DeclarationTag t -> t.name;
            case Pointer _, Array _, Prototype _, Void _ -> "";
        };
    }
}

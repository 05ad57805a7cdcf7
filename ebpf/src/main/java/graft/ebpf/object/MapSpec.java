package graft.ebpf.object;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Blueprint of a map, as an object file or a caller describes it.
 *
 * @param name the symbol's name, unique in its collection
 * @param keySize bytes of a key; 0 for ring buffers
 * @param valueSize bytes of a value; 0 for ring buffers
 * @param maxEntries capacity; bytes of data for ring buffers (a power of two and a multiple of the page size)
 * @param flags kernel {@code BPF_F_*} creation flags
 * @param keyType BTF type id of the key in the collection's BTF, if known
 * @param valueType BTF type id of the value in the collection's BTF, if known
 * @param content initial bytes of the single value of a global-data map; empty for ordinary maps
 * @param access whether programs may write
 * @param inner what the values of a map of maps are like
 * @param slots what the object puts into a map of maps or an array of programs at first
 * @param extra {@code map_extra}: of an arena, the address of its first byte
 * @param fields what only helpers may touch in a value
 */
public record MapSpec(
        String name,
        MapType type,
        int keySize,
        int valueSize,
        int maxEntries,
        int flags,
        OptionalInt keyType,
        OptionalInt valueType,
        Content content,
        Access access,
        Optional<MapSpec> inner,
        List<Slot> slots,
        long extra,
        List<SpecialField> fields) {

    /** A map whose values have no special fields. */
    public MapSpec(
            String name,
            MapType type,
            int keySize,
            int valueSize,
            int maxEntries,
            int flags,
            OptionalInt keyType,
            OptionalInt valueType,
            Content content,
            Access access,
            Optional<MapSpec> inner,
            List<Slot> slots,
            long extra) {
        this(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                flags,
                keyType,
                valueType,
                content,
                access,
                inner,
                slots,
                extra,
                List.of());
    }

    /** A map that holds neither maps nor programs. */
    public MapSpec(
            String name,
            MapType type,
            int keySize,
            int valueSize,
            int maxEntries,
            int flags,
            OptionalInt keyType,
            OptionalInt valueType,
            Content content,
            Access access) {
        this(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                flags,
                keyType,
                valueType,
                content,
                access,
                Optional.empty(),
                List.of(),
                0);
    }

    /** The map or program of a name, at an index. */
    public record Slot(int index, String name) {}

    /** {@code BPF_F_NO_PREALLOC}. */
    public static final int NO_PREALLOC = 1;

    /** {@code BPF_F_RDONLY_PROG}. */
    public static final int READ_ONLY_FOR_PROGRAMS = 1 << 7;

    /** {@code BPF_F_WRONLY_PROG}. */
    public static final int WRITE_ONLY_FOR_PROGRAMS = 1 << 8;

    /** {@code BPF_F_MMAPABLE}. */
    public static final int MMAPABLE = 1 << 10;

    /** What programs may do with values. */
    public enum Access {
        READ_WRITE,
        READ_ONLY
    }

    /** Initial bytes, compared by value. */
    public record Content(byte[] bytes) {
        public static final Content NONE = new Content(new byte[0]);

        public boolean isEmpty() {
            return bytes.length == 0;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Content content && java.util.Arrays.equals(bytes, content.bytes);
        }

        @Override
        public int hashCode() {
            return java.util.Arrays.hashCode(bytes);
        }
    }

    /** The same with other sizes, in bytes, and another number of entries. */
    public MapSpec sized(int key, int value, int entries) {
        return new MapSpec(
                name, type, key, value, entries, flags, keyType, valueType, content, access, inner, slots, extra,
                fields);
    }

    /** The same, with special fields in values. */
    MapSpec marked(List<SpecialField> special) {
        return new MapSpec(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                flags,
                keyType,
                valueType,
                content,
                access,
                inner,
                slots,
                extra,
                List.copyOf(special));
    }

    /** Where values have a {@code struct bpf_spin_lock}. */
    public OptionalInt lock() {
        return fields.stream()
                .filter(field -> field.kind() == SpecialField.Kind.SPIN_LOCK)
                .mapToInt(field -> (int) field.offset())
                .findFirst();
    }

    /** The same, whose values are maps like {@code described}. */
    public MapSpec holding(MapSpec described) {
        return new MapSpec(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                flags,
                keyType,
                valueType,
                content,
                access,
                Optional.of(described),
                slots,
                extra,
                fields);
    }

    /** The same, with these maps or programs in it at first. */
    MapSpec filled(List<Slot> first) {
        return new MapSpec(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                flags,
                keyType,
                valueType,
                content,
                access,
                inner,
                List.copyOf(first),
                extra,
                fields);
    }

    /** The same with initial content. */
    MapSpec with(Content first) {
        return new MapSpec(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                flags,
                keyType,
                valueType,
                first,
                access,
                inner,
                slots,
                extra,
                fields);
    }

    /** Whether maps of both are alike but for their names. */
    public boolean hasShapeOf(MapSpec other) {
        return isAlike(other) && maxEntries == other.maxEntries && extra == other.extra;
    }

    /** Whether maps of both are alike but for their names and how much goes in. */
    public boolean isAlike(MapSpec other) {
        return type == other.type
                && keySize == other.keySize
                && valueSize == other.valueSize
                && flags == other.flags
                && fields.equals(other.fields);
    }

    /** A map without BTF types and initial content. */
    public static MapSpec of(String name, MapType type, int keySize, int valueSize, int maxEntries) {
        return new MapSpec(
                name,
                type,
                keySize,
                valueSize,
                maxEntries,
                0,
                OptionalInt.empty(),
                OptionalInt.empty(),
                Content.NONE,
                Access.READ_WRITE);
    }
}

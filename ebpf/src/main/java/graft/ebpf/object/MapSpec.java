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

    /** Where values have a {@code struct bpf_spin_lock}. */
    public OptionalInt lock() {
        return place(SpecialField.Kind.SPIN_LOCK);
    }

    /** Where values have a {@code struct bpf_timer}. */
    public OptionalInt timer() {
        return place(SpecialField.Kind.TIMER);
    }

    private OptionalInt place(SpecialField.Kind kind) {
        return fields.stream()
                .filter(field -> field.kind() == kind)
                .mapToInt(field -> (int) field.offset())
                .findFirst();
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

    /** A map without anything but sizes, in bytes, and a capacity. */
    public static MapSpec of(String name, MapType type, int keySize, int valueSize, int maxEntries) {
        return new Builder(name, type).sizes(keySize, valueSize, maxEntries).build();
    }

    /** The same with other sizes, in bytes, and another capacity. */
    public MapSpec sized(int key, int value, int entries) {
        return but().sizes(key, value, entries).build();
    }

    /** The same, whose values are maps like {@code described}. */
    public MapSpec holding(MapSpec described) {
        return but().inner(Optional.of(described)).build();
    }

    /** One that differs from this one in what is set. */
    public Builder but() {
        return new Builder(this);
    }

    /** A blueprint that is made part by part. */
    public static final class Builder {
        private final String name;
        private final MapType type;
        private int keySize;
        private int valueSize;
        private int maxEntries;
        private int flags;
        private OptionalInt keyType = OptionalInt.empty();
        private OptionalInt valueType = OptionalInt.empty();
        private Content content = Content.NONE;
        private Access access = Access.READ_WRITE;
        private Optional<MapSpec> inner = Optional.empty();
        private List<Slot> slots = List.of();
        private long extra;
        private List<SpecialField> fields = List.of();

        public Builder(String name, MapType type) {
            this.name = name;
            this.type = type;
        }

        private Builder(MapSpec from) {
            this(from.name, from.type);
            sizes(from.keySize, from.valueSize, from.maxEntries);
            flags = from.flags;
            types(from.keyType, from.valueType);
            content = from.content;
            access = from.access;
            inner = from.inner;
            slots = from.slots;
            extra = from.extra;
            fields = from.fields;
        }

        /** Bytes of a key and of a value, and the capacity. */
        public Builder sizes(int key, int value, int entries) {
            keySize = key;
            valueSize = value;
            maxEntries = entries;
            return this;
        }

        /** {@code BPF_F_*}, all of them. */
        public Builder flags(int all) {
            flags = all;
            return this;
        }

        /** In the collection's BTF. */
        public Builder types(OptionalInt key, OptionalInt value) {
            keyType = key;
            valueType = value;
            return this;
        }

        /** The bytes that the value of a global-data map has at first. */
        public Builder content(Content first) {
            content = first;
            return this;
        }

        /** Whether programs may write. */
        public Builder access(Access allowed) {
            access = allowed;
            return this;
        }

        /** What its values are like, when these are maps. */
        public Builder inner(Optional<MapSpec> described) {
            inner = described;
            return this;
        }

        /** What is in it at first. */
        Builder filled(List<Slot> first) {
            slots = List.copyOf(first);
            return this;
        }

        /** {@code map_extra}. */
        public Builder extra(long value) {
            extra = value;
            return this;
        }

        /** What only helpers may touch in a value. */
        Builder marked(List<SpecialField> special) {
            fields = List.copyOf(special);
            return this;
        }

        public MapSpec build() {
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
                    fields);
        }
    }
}

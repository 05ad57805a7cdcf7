package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Sysconf;
import java.util.Optional;

/** The kernel's rules for sizes, checked before anything is allocated. */
final class Sizes {
    private static final long REGION_MAX = 1L << 32;
    private static final int VALUE_MAX = 1 << 22;
    private static final int KEY_MAX = 512;

    private Sizes() {}

    /** What is wrong with the sizes of {@code spec}, if anything. */
    static Optional<String> problem(MapSpec spec) {
        if (spec.maxEntries() <= 0) {
            return Optional.of("max_entries is " + Integer.toUnsignedString(spec.maxEntries()));
        }
        if (spec.type() == MapType.ARRAY || spec.type() == MapType.PERCPU_ARRAY) {
            return array(spec);
        }
        if (spec.type() == MapType.HASH || spec.type() == MapType.PERCPU_HASH) {
            return hash(spec);
        }
        return spec.type() == MapType.RINGBUF ? ring(spec) : Optional.empty();
    }

    private static Optional<String> array(MapSpec spec) {
        return spec.keySize() == Integer.BYTES
                ? value(spec)
                : Optional.of("keys of an array have 4 bytes, not " + spec.keySize());
    }

    private static Optional<String> hash(MapSpec spec) {
        if (spec.keySize() <= 0 || spec.keySize() > KEY_MAX) {
            return Optional.of("keys of " + spec.keySize() + " bytes");
        }
        return spec.maxEntries() > MapConstants.ELEMENTS_MAX - MapConstants.SPARE_ELEMENTS
                ? Optional.of(spec.maxEntries() + " entries")
                : value(spec);
    }

    private static Optional<String> value(MapSpec spec) {
        if (spec.valueSize() <= 0 || spec.valueSize() > VALUE_MAX) {
            return Optional.of("values of " + spec.valueSize() + " bytes");
        }
        long bytes = (long) padded(spec.valueSize()) * spec.maxEntries();
        return bytes > REGION_MAX ? Optional.of("it would take " + bytes + " bytes") : Optional.empty();
    }

    private static Optional<String> ring(MapSpec spec) {
        boolean good = Integer.bitCount(spec.maxEntries()) == 1 && spec.maxEntries() >= Sysconf.pageSize();
        return good
                ? Optional.empty()
                : Optional.of("a ring buffer's size is a power of two and whole pages, not " + spec.maxEntries());
    }

    /** A size rounded up to 8, the distance of values in memory. */
    static int padded(int size) {
        return (size + 7) & -8;
    }
}

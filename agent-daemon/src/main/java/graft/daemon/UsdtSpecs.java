package graft.daemon;

import graft.ebpf.object.MapSpec;
import graft.uprobe.usdt.UsdtSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The table from which programs learn where the arguments of static probes are. Each different spec gets a number, which is
 * the attach cookie of its places.
 */
public final class UsdtSpecs {
    private final MapSpec map;
    private final Writer writer;
    private final Map<UsdtSpec, Integer> numbers = new HashMap<>();

    /** Puts an element into the live map. */
    @FunctionalInterface
    public interface Writer {
        /** Writes {@code value} at {@code key}. */
        void write(byte[] key, byte[] value);
    }

    /** @param map of the name {@link UsdtSpec#MAP} */
    public UsdtSpecs(MapSpec map, Writer writer) {
        this.map = map;
        this.writer = writer;
    }

    /** The number of {@code spec}, which is in the table now; nothing when that is full. */
    public OptionalInt number(UsdtSpec spec) {
        Integer known = numbers.get(spec);
        if (known != null) {
            return OptionalInt.of(known);
        }
        int next = numbers.size();
        if (next == map.maxEntries()) {
            return OptionalInt.empty();
        }
        byte[] key = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(next)
                .array();
        writer.write(key, spec.bytes(map.valueSize()));
        numbers.put(spec, next);
        return OptionalInt.of(next);
    }

    /** What to say when the table is full. */
    public SessionRefusal full() {
        return new SessionRefusal.MapRefused(
                map.name(),
                "it has room for the arguments of " + map.maxEntries() + " different places",
                "#define BPF_USDT_MAX_SPEC_CNT with more, before #include <bpf/usdt.bpf.h>");
    }
}

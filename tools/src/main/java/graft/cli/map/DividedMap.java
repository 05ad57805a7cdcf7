package graft.cli.map;

import graft.bridge.KernelMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.object.MapSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A map that a packaged tool counts in by processor ({@code snoop.h}): beside the map {@code NAME} is a per-CPU map
 * {@code __NAME}. An element is the sum of its parts.
 */
public final class DividedMap {
    private static final String PARTS = "__";

    private final Elements whole;
    private final Elements parts;

    private DividedMap(Elements whole, Elements parts) {
        this.whole = whole;
        this.parts = parts;
    }

    /** One element: its key, and what all parts come to. */
    public record Element(byte[] key, byte[] value) {}

    /** A map's elements, wherever it is. */
    private record Elements(MapSpec spec, List<byte[]> keys, Function<byte[], Optional<byte[]>> lookup) {
        static Elements of(KernelMap map) {
            return new Elements(map.spec(), map.keys(), map::lookup);
        }

        static Elements of(KeyedMap map) {
            return new Elements(map.spec(), map.keys(), map::lookup);
        }

        /** Those of a key that were ever counted in. */
        private List<byte[]> used(byte[] key) {
            return lookup.apply(key)
                    .map(value -> MapRows.values(spec, value).stream()
                            .filter(part -> longs(part).get(0) != 0)
                            .toList())
                    .orElse(List.of());
        }
    }

    /** A map of a session, if it is one. @param maps of the session, by name */
    public static Optional<DividedMap> of(BpfMap map, Function<String, Optional<BpfMap>> maps) {
        return maps.apply(PARTS + map.spec().name())
                .filter(parts -> map instanceof KeyedMap && parts instanceof KeyedMap)
                .filter(parts -> arePartsOf(map.spec(), parts.spec()))
                .map(parts -> new DividedMap(Elements.of((KeyedMap) map), Elements.of((KeyedMap) parts)));
    }

    /** A map in the kernel, if it is one. @param maps that it is one of, by name */
    public static Optional<DividedMap> of(KernelMap map, Map<String, KernelMap> maps) {
        return Optional.ofNullable(maps.get(PARTS + map.spec().name()))
                .filter(parts -> arePartsOf(map.spec(), parts.spec()))
                .map(parts -> new DividedMap(Elements.of(map), Elements.of(parts)));
    }

    private static boolean arePartsOf(MapSpec whole, MapSpec parts) {
        int more = parts.valueSize() - whole.valueSize();
        return parts.type().isPerProcessor()
                && !whole.type().isPerProcessor()
                && parts.keySize() == whole.keySize()
                && whole.valueSize() % Long.BYTES == 0
                && (more == 0 || more == Long.BYTES);
    }

    /** All elements at about this moment. */
    public List<Element> elements() {
        Map<ByteBuffer, List<byte[]>> found = new LinkedHashMap<>();
        for (Elements elements : List.of(parts, whole)) {
            for (byte[] key : elements.keys()) {
                List<byte[]> used = elements.used(key);
                if (!used.isEmpty()) {
                    found.computeIfAbsent(ByteBuffer.wrap(key), _ -> new ArrayList<>())
                            .addAll(used);
                }
            }
        }
        return found.entrySet().stream()
                .map(entry -> new Element(entry.getKey().array(), sum(entry.getValue())))
                .toList();
    }

    /** What is not divided has no time, and is older than what is: parts are full before it is used, and stay so. */
    private byte[] sum(List<byte[]> values) {
        int bytes = whole.spec().valueSize();
        int numbers = bytes / Long.BYTES;
        long[] sum = new long[numbers];
        long latest = Long.MIN_VALUE;
        long last = 0;
        for (byte[] value : values) {
            LongBuffer part = longs(value);
            for (int i = 0; i < numbers; i++) {
                sum[i] += part.get(i);
            }
            long time = part.limit() > numbers ? part.get(numbers) : 0;
            if (time > latest) {
                latest = time;
                last = part.get(numbers - 1);
            }
        }
        if (parts.spec().valueSize() > bytes) {
            sum[numbers - 1] = last;
        }
        ByteBuffer value = ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
        value.asLongBuffer().put(sum);
        return value.array();
    }

    private static LongBuffer longs(byte[] value) {
        return ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).asLongBuffer();
    }
}

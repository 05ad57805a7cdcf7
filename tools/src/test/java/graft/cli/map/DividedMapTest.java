package graft.cli.map;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class DividedMapTest {
    private static final MapSpec CALLS = MapSpec.of("calls", MapType.HASH, 4, 16, 8);
    private static final MapSpec FILES = MapSpec.of("files", MapType.HASH, 4, 24, 8);

    private static BpfMap created(MapSpec spec) {
        return switch (MapCreation.create(spec)) {
            case MapCreation.Created(var map) -> map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private static byte[] key(int key) {
        return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(key).array();
    }

    /** One element, or what the first two processors have of it. */
    private static byte[] value(int bytes, long... numbers) {
        ByteBuffer value = ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
        value.asLongBuffer().put(numbers);
        return value.array();
    }

    private static void put(KeyedMap map, int key, long... numbers) {
        assertThat(map.update(key(key), value(map.valueBytes(), numbers), KeyedMap.ANY))
                .isZero();
    }

    private static Optional<DividedMap> divided(BpfMap whole, BpfMap parts) {
        Map<String, BpfMap> maps =
                Map.of(whole.spec().name(), whole, parts.spec().name(), parts);
        return DividedMap.of(whole, name -> Optional.ofNullable(maps.get(name)));
    }

    private static Map<Integer, List<Long>> elements(BpfMap whole, BpfMap parts) {
        return divided(whole, parts).orElseThrow().elements().stream()
                .collect(Collectors.toMap(
                        element -> ByteBuffer.wrap(element.key())
                                .order(ByteOrder.nativeOrder())
                                .getInt(),
                        element -> {
                            long[] numbers = new long[element.value().length / Long.BYTES];
                            ByteBuffer.wrap(element.value())
                                    .order(ByteOrder.nativeOrder())
                                    .asLongBuffer()
                                    .get(numbers);
                            return Arrays.stream(numbers).boxed().toList();
                        }));
    }

    @Test
    void partsAreAddedAndWhatFoundNoRoomIsThereToo() {
        try (BpfMap whole = created(CALLS);
                BpfMap parts = created(MapSpec.of("__calls", MapType.PERCPU_ARRAY, 4, 16, 4))) {
            put((KeyedMap) parts, 2, 5, 1, 7, 2);
            put((KeyedMap) whole, 0x4000_0002, 3, 3);

            assertThat(elements(whole, parts)).isEqualTo(Map.of(2, List.of(12L, 3L), 0x4000_0002, List.of(3L, 3L)));
        }
    }

    @Test
    void theLastNumberIsTheLatestProcessors() {
        try (BpfMap whole = created(FILES);
                BpfMap parts = created(MapSpec.of("__files", MapType.PERCPU_HASH, 4, 32, 4))) {
            put((KeyedMap) parts, 1, 5, 1, -2, 1000, 7, 0, 9, 900);
            put((KeyedMap) parts, 2, 5, 1, -2, 1000, 7, 0, 9, 1001);
            put((KeyedMap) whole, 3, 4, 4, -13);

            assertThat(elements(whole, parts))
                    .isEqualTo(Map.of(1, List.of(12L, 1L, -2L), 2, List.of(12L, 1L, 9L), 3, List.of(4L, 4L, -13L)));
        }
    }

    @Test
    void mapsOfAnotherShapeAreNoParts() {
        try (BpfMap whole = created(CALLS);
                BpfMap shared = created(MapSpec.of("__calls", MapType.ARRAY, 4, 16, 4));
                BpfMap smaller = created(MapSpec.of("__calls", MapType.PERCPU_ARRAY, 4, 8, 4))) {
            assertThat(divided(whole, shared)).isEmpty();
            assertThat(divided(whole, smaller)).isEmpty();
        }
    }
}

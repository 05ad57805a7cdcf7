package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of sizes that no map has: the number that was asked for. */
class MapSizesTest {
    @ParameterizedTest
    @CsvSource({
        "RINGBUF, 0, 0, 4294967295, 4294967295 bytes of ring",
        "USER_RINGBUF, 0, 0, 2147483648, 2147483648 bytes of ring",
        "PERF_EVENT_ARRAY, 4, 4, 4294967295, max_entries is 4294967295",
        "ARRAY, 4, 8, 4294967295, max_entries is 4294967295",
        "LRU_HASH, 4, 8, 0, max_entries is 0",
    })
    void areRefusedAsTheyWereAskedFor(MapType type, int key, int value, String entries, String why) {
        MapSpec spec = MapSpec.of("sized", type, key, value, Integer.parseUnsignedInt(entries));
        assertThat(MapCreation.create(spec))
                .isInstanceOfSatisfying(
                        MapCreation.Refused.class,
                        refused -> assertThat(refused.toString()).contains(why));
    }
}

package graft.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class Log2HistogramTest {
    private static final Log2Histogram SOME =
            new Log2Histogram("ns", List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 10L, 90L, 0L, 1L, 0L));

    @Test
    void showsTheSlotsFromTheFirstToTheLastThatHoldSomething() {
        assertThat(String.join("\n", SOME.lines())).isEqualTo("""
                   from    below  count
                 512 ns  1.02 µs     10  ████
                1.02 µs  2.05 µs     90  ████████████████████████████████████████
                2.05 µs  4.10 µs      0
                4.10 µs  8.19 µs      1  █
                101 values   p50 < 2.05 µs   p90 < 2.05 µs   p99 < 2.05 µs   p99.9 < 8.19 µs""");
    }

    @Test
    void jsonCarriesBoundsAndNoBars() {
        JsonWriter json = new JsonWriter().beginObject();
        new Log2Histogram("ns", List.of(2L, 1L)).json(json);
        assertThat(json.endObject())
                .hasToString("{\"unit\":\"ns\",\"count\":3,\"buckets\":["
                        + "{\"from\":0,\"to\":1,\"count\":2},{\"from\":2,\"to\":3,\"count\":1}],"
                        + "\"p50_at_most\":1,\"p90_at_most\":3,\"p99_at_most\":3,\"p99_9_at_most\":3}");
    }

    @Test
    void emptyOnesSaySo() {
        Log2Histogram empty = new Log2Histogram("ns", List.of(0L, 0L));
        assertThat(empty.lines()).containsExactly("no values");
        JsonWriter json = new JsonWriter().beginObject();
        empty.json(json);
        assertThat(json.endObject()).hasToString("{\"unit\":\"ns\",\"count\":0,\"buckets\":[]}");
    }
}

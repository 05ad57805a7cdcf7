package graft.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FooterTest {
    private static final Footer CLEAN = new Footer(
            "7f3a",
            Duration.ofMillis(12004),
            3,
            1204551,
            1204551,
            Map.of(),
            Optional.of(new Footer.Undone(3, 3, Footer.Proven.YES, List.of("text hash matches"))));

    @Test
    void saysWhatWasSeenAndThatItIsUndone() {
        assertThat(String.join("\n", CLEAN.lines())).isEqualTo("""
                session 7f3a  12.004 s   3 links   1,204,551 events seen   1,204,551 delivered   0 lost
                  undo: 3/3 sites restored, text hash matches""");
    }

    @Test
    void breaksLossDownByCause() {
        Footer lossy = new Footer(
                "1",
                Duration.ofSeconds(1),
                1,
                20,
                3,
                new TreeMap<>(Map.of("ring full", 12L, "no slot", 5L, "reader slow", 0L)),
                Optional.of(new Footer.Undone(1, 2, Footer.Proven.NO, List.of())));
        assertThat(String.join("\n", lossy.lines())).isEqualTo("""
                session 1  1.000 s   1 link   20 events seen   3 delivered   17 lost (no slot 5, ring full 12)
                  undo: 1/2 sites restored  NOT PROVEN""");
        assertThat(lossy.json())
                .isEqualTo("{\"type\":\"footer\",\"session\":\"1\",\"elapsed_ns\":1000000000,\"links\":1,\"seen\":20,"
                        + "\"delivered\":3,\"lost\":17,\"lost_by_cause\":{\"no_slot\":5,\"reader_slow\":0,"
                        + "\"ring_full\":12},\"undo\":{\"restored\":1,\"sites\":2,\"proven\":false,\"proofs\":[]}}");
    }

    @Test
    void hasNoUndoLineWhileAttached() {
        Footer open = new Footer("1", Duration.ofSeconds(1), 2, 0, 0, Map.of(), Optional.empty());
        assertThat(open.lines()).hasSize(1);
        assertThat(open.json()).endsWith("\"lost_by_cause\":{}}");
    }
}

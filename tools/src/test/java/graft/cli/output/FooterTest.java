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
            Duration.ofMillis(12004),
            3,
            2,
            Optional.of(new Footer.Events(1204551, Map.of())),
            Footer.Missed.NOTHING,
            Optional.of(new Footer.Undone(3, 3, Footer.Proven.YES, List.of("text hash matches"))));

    @Test
    void saysWhatWasSeenAndThatItIsUndone() {
        assertThat(String.join("\n", CLEAN.lines())).isEqualTo("""
                session  12.004 s   3 links in 2 processes   1,204,551 events seen   1,204,551 delivered   0 lost
                  undo: 3/3 sites restored, text hash matches""");
    }

    @Test
    void breaksLossDownByCause() {
        Footer lossy = new Footer(
                Duration.ofSeconds(1),
                1,
                1,
                Optional.of(new Footer.Events(
                        3, new TreeMap<>(Map.of("ring full", 12L, "no slot", 5L, "reader slow", 0L)))),
                Footer.Missed.NOTHING,
                Optional.of(new Footer.Undone(1, 2, Footer.Proven.NO, List.of())));
        assertThat(String.join("\n", lossy.lines())).isEqualTo("""
                session  1.000 s   1 link in 1 process   20 events seen   3 delivered   17 lost (no slot 5, ring full 12)
                  undo: 1/2 sites restored  NOT PROVEN""");
        assertThat(lossy.json())
                .isEqualTo("{\"type\":\"footer\",\"elapsed_ns\":1000000000,\"links\":1,\"processes\":1,\"seen\":20,"
                        + "\"delivered\":3,\"lost\":17,\"lost_by_cause\":{\"no_slot\":5,\"reader_slow\":0,"
                        + "\"ring_full\":12},\"undo\":{\"restored\":1,\"sites\":2,\"proven\":false,\"proofs\":[]}}");
    }

    @Test
    void hasNoUndoLineWhileAttachedAndNoEventsWithoutRingBuffers() {
        Footer open =
                new Footer(Duration.ofSeconds(1), 2, 1, Optional.empty(), Footer.Missed.NOTHING, Optional.empty());
        assertThat(open.lines()).containsExactly("session  1.000 s   2 links in 1 process");
        assertThat(open.json()).endsWith("\"processes\":1}");
    }

    @Test
    void saysWhatWasMissed() {
        Footer deep = new Footer(
                Duration.ofSeconds(1),
                2,
                1,
                Optional.empty(),
                new Footer.Missed(1200, 3, 1, 2, "map M: no end after 9 instructions"),
                Optional.empty());
        assertThat(deep.lines())
                .containsExactly("session  1.000 s   2 links in 1 process   1,200 returns missed: too many calls were"
                        + " under way at once   3 runs missed: too many calls were under way at once   1 lock taken over:"
                        + " their holders had ended or did not leave them in time   2 functions of timers given up: map M: no end"
                        + " after 9 instructions");
        assertThat(deep.json())
                .endsWith(
                        "\"processes\":1,\"missed_returns\":1200,\"missed_runs\":3,\"locks_taken_over\":1,\"timers_given_up\":2,"
                                + "\"timer_fault\":\"map M: no end after 9 instructions\"}");
    }

    @Test
    void saysHowManyLinesWerePrinted() {
        Footer printing = new Footer(
                Duration.ofSeconds(1),
                2,
                1,
                Optional.empty(),
                Optional.of(new Footer.Events(1200, Map.of("ring full", 3L))),
                Footer.Missed.NOTHING,
                Optional.empty());
        assertThat(printing.lines())
                .containsExactly(
                        "session  1.000 s   2 links in 1 process   1,200 lines printed   3 lost (ring full 3)");
        assertThat(printing.json())
                .endsWith(
                        "\"printed\":{\"seen\":1203,\"delivered\":1200,\"lost\":3,\"lost_by_cause\":{\"ring_full\":3}}}");
    }
}

package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.Errno;
import graft.tests.agent.Histories.Event;
import graft.tests.agent.Models.RowKind;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Histories of which it is known whether they have an order. */
class HistoriesTest {
    private static final int LOOKUP = 0;
    private static final int UPDATE = 1;
    private static final int DELETE = 4;
    private static final int PUSH = 5;
    private static final int POP = 6;

    private static Event event(int kind, long value, int result, long from, long to) {
        return new Event(kind, 0, value, result, from, to);
    }

    private static boolean isPossibleForAKey(Event... events) {
        return Histories.isPossible(List.of(events), new Models.OneKey());
    }

    private static boolean isPossibleForAQueue(Event... events) {
        return Histories.isPossible(List.of(events), new Models.Row(2, RowKind.QUEUE));
    }

    @Test
    void overlappingOperationsMayHaveHappenedInAnyOrder() {
        assertThat(isPossibleForAKey(
                        event(UPDATE, 1, 0, 0, 10), event(LOOKUP, 0, -Errno.ENOENT, 5, 8), event(LOOKUP, 1, 0, 6, 9)))
                .isTrue();
        assertThat(isPossibleForAQueue(event(PUSH, 1, 0, 0, 10), event(PUSH, 2, 0, 5, 8), event(POP, 2, 0, 20, 30)))
                .isTrue();
    }

    @Test
    void whatHasEndedIsThereForWhatBeginsLater() {
        assertThat(isPossibleForAKey(event(UPDATE, 1, 0, 0, 10), event(LOOKUP, 0, -Errno.ENOENT, 11, 12)))
                .isFalse();
        assertThat(isPossibleForAQueue(event(PUSH, 1, 0, 0, 4), event(PUSH, 2, 0, 5, 8), event(POP, 2, 0, 20, 30)))
                .isFalse();
    }

    @Test
    void nothingHappensTwice() {
        assertThat(isPossibleForAKey(
                        event(UPDATE, 1, 0, 0, 10), event(DELETE, 0, 0, 0, 20), event(DELETE, 0, 0, 0, 20)))
                .isFalse();
        assertThat(isPossibleForAQueue(event(PUSH, 1, 0, 0, 10), event(POP, 1, 0, 0, 20), event(POP, 1, 0, 0, 20)))
                .isFalse();
    }

    @Test
    void whoSawTheNewValueIsNotFollowedByOneWhoSeesTheOld() {
        assertThat(isPossibleForAKey(
                        event(UPDATE, 1, 0, 0, 1),
                        event(UPDATE, 2, 0, 2, 20),
                        event(LOOKUP, 2, 0, 3, 4),
                        event(LOOKUP, 1, 0, 5, 6)))
                .isFalse();
    }
}

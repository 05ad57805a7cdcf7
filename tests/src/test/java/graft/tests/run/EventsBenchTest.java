package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.bench.BenchRow;
import graft.cli.bench.EventsResult;
import graft.cli.bench.EventsSuite;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attaches to processes and loads a program into the kernel, which needs root. */
@Tag("slow")
class EventsBenchTest {
    private static final int RATE = 50_000;

    @Test
    void eventsOfFourProcessesReachOneReaderHereAndFromTheKernel() {
        EventsSuite.Effort effort = new EventsSuite.Effort(4, RATE, 1, Duration.ofMillis(100));
        EventsResult result = new EventsSuite(new OneSession(), effort).run();

        assertThat(result.sides())
                .extracting(EventsResult.Side::who)
                .containsExactly(BenchRow.Who.GRAFT, BenchRow.Who.KERNEL);
        assertThat(result.sides()).allSatisfy(side -> {
            assertThat(side.calls()).isEqualTo(RATE);
            assertThat(side.delivered()).isEqualTo(RATE);
            assertThat(side.lost()).isZero();
        });
        assertThat(result.benchRows()).hasSize(8);
        assertThat(result.table()).hasSize(3);
    }
}

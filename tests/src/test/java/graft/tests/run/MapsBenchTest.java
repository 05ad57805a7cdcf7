package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.cli.bench.SessionRunner;
import graft.cli.bench.maps.MapResult;
import graft.cli.bench.maps.MapRow;
import graft.cli.bench.maps.MapsSuite;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.tests.command.Sessions;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attaches to a process and loads programs into the kernel, which needs root. */
@Tag("slow")
class MapsBenchTest {
    @Test
    void programsLeaveTheSameInMapsHereAndInTheKernel() {
        MapResult result = measured(1);
        assertThat(result.rows()).extracting(MapResult.Row::row).containsExactly(MapRow.values());
        assertThat(result.benchRows()).hasSize(2 * MapRow.values().length);
    }

    @Test
    void severalProcessesDoEachOperationAtTheSameTime() {
        MapResult result = measured(2);
        assertThat(result.rows()).extracting(MapResult.Row::row).containsExactly(MapRow.values());
        assertThat(result.table().getLast()).endsWith("2 processes (threads in the kernel) at a time");
    }

    private static MapResult measured(int writers) {
        return new MapsSuite(new OneSession(), new MapsSuite.Effort(1, 1, writers)).run(List.of(MapRow.values()));
    }

    private static final class OneSession implements SessionRunner {
        @Override
        public <T> T during(SessionRequest request, Function<Session, T> work) {
            try (Session session = Sessions.open(request, new Attacher())) {
                T result = work.apply(session);
                session.detach();
                return result;
            }
        }
    }
}

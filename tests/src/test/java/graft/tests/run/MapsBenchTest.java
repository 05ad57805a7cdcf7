package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.bench.maps.MapResult;
import graft.cli.bench.maps.MapRow;
import graft.cli.bench.maps.MapsSuite;
import java.util.List;
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
}

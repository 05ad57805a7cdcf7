package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.bench.maps.MapResult;
import graft.cli.bench.maps.MapRow;
import graft.cli.bench.maps.MapsSuite;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attaches to a process and loads programs into the kernel, which needs root. */
@Tag("slow")
class MapsBenchTest {
    @Test
    void programsLeaveTheSameInMapsHereAndInTheKernelByOneProcessAndBySeveral() {
        MapsSuite.Effort effort = new MapsSuite.Effort(1, Duration.ofMillis(1), new TreeSet<>(Set.of(1, 2, 4)));
        MapResult result = new MapsSuite(new OneSession(), effort).run(List.of(MapRow.values()));
        assertThat(result.rows())
                .extracting(row -> row.row().label() + " by " + row.writers())
                .containsExactlyElementsOf(Stream.of(MapRow.values())
                        .flatMap(row -> Stream.of(1, 2, 4).map(count -> row.label() + " by " + count))
                        .toList());
        assertThat(result.rows()).allMatch(row -> row.graft().rate().median() > 0);
        assertThat(result.benchRows()).hasSize(4 * result.rows().size());
    }
}

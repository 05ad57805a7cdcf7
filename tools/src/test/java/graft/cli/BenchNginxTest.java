package graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.bench.NginxRow;
import graft.cli.bench.NginxSuite;
import graft.cli.bench.NginxTool;
import graft.cli.load.Body;
import graft.cli.tls.TlsTally;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class BenchNginxTest {
    /** The suite itself fails when a tracer misses an event. Speed is not asserted: other processes use the machine. */
    @Test
    void capturesAllTrafficOfALoadedServerByKernelAndGraft() {
        assertThatAllIsServedAndSeen(NginxTool.TLS, "native", "kernel", "graft", "floor", "floor");
    }

    @Test
    void countsSystemCallsOfALoadedServerByKernelAndGraft() {
        assertThatAllIsServedAndSeen(NginxTool.OPENSNOOP, "native", "kernel", "graft");
    }

    private static void assertThatAllIsServedAndSeen(NginxTool tool, String... who) {
        NginxSuite.Effort effort = new NginxSuite.Effort(
                List.of(Body.KIB_1), List.of(tool), 1, Duration.ofMillis(300), TlsTally.Depth.COPY);
        List<NginxRow> rows = new NginxSuite(BenchCommand::during, effort).run();
        assertThat(rows).extracting(row -> row.bench().who().word()).containsExactly(who);
        assertThat(rows).allMatch(row -> row.failed() == 0);
        assertThat(rows.subList(1, rows.size())).allMatch(row -> row.events() > 0);
    }
}

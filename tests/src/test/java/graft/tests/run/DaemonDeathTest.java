package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessMaps;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Probes stop when graft is killed, at once and without {@code graft recover}. */
@Tag("slow")
class DaemonDeathTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/count_array.bpf.o");

    @TempDir
    private Path folder;

    @Test
    void noProgramRunsAfterGraftWasKilled() {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            int pid = Integer.parseInt(program.pid());
            try (GraftProcess graft = GraftProcess.start(
                    "run",
                    OBJECT.toString(),
                    "--attach",
                    "count_enter=uprobe::work",
                    "--attach",
                    "count_exit=uretprobe::work",
                    "-p",
                    program.pid())) {
                graft.awaitLine("attached");
                program.does("call 1000");
                assertThat(MappedCounts.first(pid)).isEqualTo(1000);

                graft.kill();
            }

            program.does("call 1000");
            assertThat(MappedCounts.first(pid)).isEqualTo(1000);

            GraftRun recovery = GraftRun.of("recover");
            assertThat(recovery.status()).as(recovery.errors()).isZero();
            assertThat(ProcessMaps.of(pid).mappings())
                    .noneMatch(mapping ->
                            mapping.path().filter(DaemonDeathTest::isOurs).isPresent());
            program.does("call 1000");
        }
    }

    private static boolean isOurs(String path) {
        return path.contains("graft-");
    }
}

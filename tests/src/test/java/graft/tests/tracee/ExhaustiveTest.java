package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tracees all of whose calls are counted, those of their threads and children too, work the same. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExhaustiveTest {
    private static final long TIMES = 100;

    @TempDir
    private Path folder;

    static List<TraceeSource> lively() {
        return SystemCallsTest.lively();
    }

    @ParameterizedTest
    @MethodSource("lively")
    void itWorksTheSame(TraceeSource source) throws IOException {
        try (Tracee tracee = new Tracee(source.command(folder))) {
            List<Long> expected = tracee.run(TIMES);
            try (GraftProcess graft = GraftProcess.start(
                    "syscalls", "-f", "--exhaustive", "--summary", "-p", Integer.toString(tracee.pid()))) {
                graft.awaitLine("tracing");
                assertThat(tracee.run(TIMES)).isEqualTo(expected);
                GraftRun run = graft.interrupt();
                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.output()).containsPattern("(?m) read$");
            }
            assertThat(tracee.run(TIMES)).isEqualTo(expected);
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs in the kernel and in a process: the same counts in either place, exact sums over both. */
@Tag("slow")
class PlacesTest {
    private static final int CALLS = 123_456;
    private static final int THREADS = 321;

    @TempDir
    private Path folder;

    private ToldProgram program;

    @BeforeEach
    void start() {
        program = ToldProgram.start(ToldProgram.compile(folder));
    }

    @AfterEach
    void stop() {
        program.close();
    }

    private static String object(String name) {
        return "target/test-classes/bpf/" + name + ".bpf.o";
    }

    private GraftRun whileAttached(String work, String... arguments) {
        try (GraftProcess graft = GraftProcess.start(arguments)) {
            graft.awaitLine("attached");
            program.does(work);
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"user", "kernel"})
    void countsTheSameInEitherPlace(String where) {
        GraftRun run =
                whileAttached("call " + CALLS, "run", object("count_work"), "-p", program.pid(), "--where", where);

        assertThat(run.output()).contains("calls[" + program.pid() + "] = " + CALLS + "\n");
    }

    @Test
    void kernelAndProcessAddToOneArrayAtTheSameTime() {
        GraftRun run = whileAttached(
                "both " + CALLS,
                "run",
                object("shared_sum"),
                "-p",
                program.pid(),
                "--attach",
                "in_user=uprobe:" + program.file() + ":work",
                "--where",
                "in_kernel=kernel");

        assertThat(run.output()).isEqualTo("sum[0] = " + 2 * CALLS + "\n");
    }

    @Test
    void whatOnlyTheKernelSeesIsPlacedThereByItself() {
        try (GraftProcess graft = GraftProcess.start("run", object("threads_and_calls"), "-p", program.pid())) {
            graft.awaitLine("attached: 1 programs, 1 processes, 1 links in the kernel");
            program.does("thread " + THREADS);
            program.does("call " + CALLS);
            GraftRun run = graft.interrupt();

            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.lines())
                    .containsExactly(
                            "sum[0] = " + (THREADS + CALLS),
                            "sum[1] = " + (THREADS + CALLS),
                            "starts[" + program.pid() + "] = " + THREADS);
        }
    }

    @Test
    void aProgramWhosePlaceCannotBePatchedRunsInTheKernelAndTheOtherInTheProcess() {
        GraftRun run = whileAttached(
                "tight " + CALLS,
                "run",
                object("two_sums"),
                "-p",
                program.pid(),
                "--attach",
                "ones=uprobe:" + program.file() + ":work",
                "--attach",
                "millions=uprobe:" + program.file() + ":tight");

        assertThat(run.output()).isEqualTo("sum[0] = " + 1_000_001L * CALLS + "\n");
        assertThat(run.errors())
                .contains("millions: by the kernel's uprobe")
                .contains("attached: 1 programs, 1 processes, 1 links in the kernel");
    }

    @Test
    void aProgramThatIsWantedInTheProcessesIsRefusedThere() {
        GraftRun run = GraftRun.of(
                "run",
                object("two_sums"),
                "-p",
                program.pid(),
                "--without",
                "ones",
                "--attach",
                "millions=uprobe:" + program.file() + ":tight",
                "--where",
                "user");

        assertThat(run.status()).isEqualTo(4);
        assertThat(run.errors()).contains("GRAFT-A004 cannot probe told:tight", "a branch may land at");
    }

    @Test
    void refusesToShareAMapThatIsNoArray() {
        GraftRun run = GraftRun.of(
                "run",
                object("ring_events"),
                "-p",
                program.pid(),
                "--attach",
                "event_enter=uprobe::work",
                "--attach",
                "event_exit=uretprobe::work",
                "--where",
                "event_exit=kernel");

        assertThat(run.status()).isEqualTo(4);
        assertThat(run.errors()).contains("GRAFT-M003 map events cannot be shared", "it is a RINGBUF");
    }

    @Test
    void refusesToRunAKernelProgramInAProcess() {
        GraftRun run = GraftRun.of("run", object("threads_and_calls"), "-p", program.pid(), "--where", "user");

        assertThat(run.status()).isEqualTo(4);
        assertThat(run.errors())
                .contains("GRAFT-L008 program thread_starts cannot run", "tracepoint/task/task_newtask");
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.CompiledProgram;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * In a process as in the kernel: helpers call functions of the program, and programs of one object each other. The
 * expected numbers are what the kernel leaves of the same objects.
 */
@Tag("slow")
class CalledProgramsTest {
    private static final Path OBJECTS = Path.of("target/test-classes/bpf");
    private static final String PROGRAM = """
            __attribute__((noinline)) long work(long a) { volatile long x = a; return x + 1; }
            int main(void) { long sum = 0; for (int i = 0; i < 3; i++) sum += work(i); return sum == 0; }
            """;

    @TempDir
    private Path folder;

    /** Each of three calls adds the same, but where values add up. */
    @Test
    void loopsOverNumbersArraysAndTables() throws IOException, InterruptedException {
        GraftRun run = run("callbacks.bpf.o");

        assertResults(run, List.of(21L, 273L, 15L, 60L, 30L, 330L, 15L, -66L));
        assertThat(run.output().lines().filter(line -> line.startsWith("TABLE[")))
                .containsExactlyInAnyOrder(
                        "TABLE[2] = 2", "TABLE[4] = 4", "TABLE[6] = 6", "TABLE[8] = 8", "TABLE[10] = 10");
    }

    /**
     * Three calls. Empty and missing places are passed over; a call from a function returns to its caller; the 33 calls of
     * a run are used up by one from there and 32 in the chain, which begins with a call of its own.
     */
    @Test
    void chainsOfTailCallsEndAtTheKernelsLimit() throws IOException, InterruptedException {
        assertResults(run("tail.bpf.o"), List.of(3 * 1001L, 3 * 32L, 3L, 3L));
    }

    private GraftRun run(String object) throws IOException, InterruptedException {
        String program = CompiledProgram.of(folder, "program", PROGRAM, "-O2").toString();
        GraftRun run = GraftRun.of(
                "run",
                OBJECTS.resolve(object).toString(),
                "--where",
                "user",
                "--attach",
                "on_call=uprobe::work",
                "--",
                program);
        assertThat(run.status()).as(run.errors()).isZero();
        return run;
    }

    private static void assertResults(GraftRun run, List<Long> results) {
        for (int i = 0; i < results.size(); i++) {
            assertThat(run.output())
                    .containsPattern("RESULTS\\[" + i + "] = " + Long.toUnsignedString(results.get(i)) + "\\R");
        }
    }
}

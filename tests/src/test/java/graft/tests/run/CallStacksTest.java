package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stack traces at system calls: programs of every type see in a process what they see in the kernel. */
@Tag("slow")
class CallStacksTest {
    private static final int CALLS = 15;
    private static final int RUNS = 40;
    /** At tracepoints, then at the kernel's functions, which a kernel without kprobes does not let be seen. */
    private static final int TRACEPOINTS = 4;

    private static final int TYPES = 6;
    private static final String[] KERNEL = {"--where", "kernel", "--without", "enter_wrapped,leave_wrapped"};

    @TempDir
    private Path folder;

    @Test
    void areThoseOfTheKernel() {
        Path file = AskedProgram.compile(
                folder, "calling", "-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer", "-pthread");
        try (AskedProgram program = AskedProgram.start(file)) {
            GraftRun kernel = seen(program, KERNEL);
            GraftRun user = seen(program, "--where", "user");

            assertThat(rows(user, "COUNT")).hasSize(TYPES).allMatch(row -> row.endsWith(" = " + CALLS));
            for (int type = 0; type < TYPES; type++) {
                assertThat(runs(user, type)).as("type %d", type).isEqualTo(runs(kernel, type % TRACEPOINTS));
            }
            assertThat(rows(user, "stacks")).isNotEmpty().isEqualTo(rows(kernel, "stacks"));
        }
    }

    /** By tables there are more callers than by frame pointers, which these functions do not have. */
    @Test
    void areUnwoundAsWell() {
        Path file = AskedProgram.compile(folder, "calling", "-O2", "-fomit-frame-pointer", "-pthread");
        try (AskedProgram program = AskedProgram.start(file)) {
            GraftRun unwound = seen(program, "--where", "user", "--stacks", "unwind");
            GraftRun kernel = seen(program, KERNEL);

            for (int type = 0; type < TYPES; type++) {
                assertThat(depth(runs(unwound, type)))
                        .as("type %d", type)
                        .isGreaterThan(2 * depth(runs(kernel, type % TRACEPOINTS)));
            }
        }
    }

    /** What programs of one type found, in the order of the calls. */
    private static List<String> runs(GraftRun run, int type) {
        return IntStream.range(type * RUNS, type * RUNS + CALLS)
                .mapToObj("RUN[%d] = "::formatted)
                .map(start -> run.output()
                        .lines()
                        .filter(line -> line.startsWith(start))
                        .findFirst()
                        .orElseThrow()
                        .substring(start.length()))
                .toList();
    }

    private static long depth(List<String> rows) {
        return rows.stream()
                .mapToLong(row -> Long.parseLong(row.replaceFirst(".*? bytes=(\\d+) .*", "$1")))
                .sum();
    }

    private GraftRun seen(AskedProgram program, String... options) {
        List<String> command =
                new ArrayList<>(List.of("run", AskedProgram.object(folder, "calling"), "-p", program.pid()));
        command.addAll(List.of(options));
        try (GraftProcess graft = GraftProcess.start(command.toArray(String[]::new))) {
            graft.awaitLine("attached");
            assertThat(program.answer("calls")).isEqualTo(program.pid());
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }

    private static List<String> rows(GraftRun run, String map) {
        return run.output()
                .lines()
                .filter(line -> line.startsWith(map + "["))
                .sorted()
                .toList();
    }
}

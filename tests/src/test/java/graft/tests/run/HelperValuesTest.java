package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What helpers say of a process, its threads, their names and ids, and of its memory, is what they say in the kernel. */
@Tag("slow")
class HelperValuesTest {
    private static final int CALLS = 15;

    @TempDir
    private Path folder;

    @Test
    void areThoseOfTheKernel() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        String object = AskedProgram.object(folder, "values");
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> kernel = rows(program, object, "kernel");

            assertThat(kernel)
                    .hasSize(CALLS)
                    .anyMatch(row -> row.contains("a thread's name"))
                    .allMatch(row -> row.contains("between=1"));
            assertThat(rows(program, object, "user")).isEqualTo(kernel);
        }
    }

    @Test
    void areThoseOfTheKernelInProgramsThatMaySleep() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        String object = AskedProgram.object(folder, "values", "-DSLEEPS");
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> kernel = rows(program, object, "kernel");

            assertThat(kernel).hasSize(CALLS).anyMatch(row -> row.contains("bytes=-14"));
            assertThat(rows(program, object, "user")).isEqualTo(kernel);
        }
    }

    /** Also of its main thread and its process, where it has other numbers itself. */
    @Test
    void areThoseOfTheKernelInAPidNamespace() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        String object = AskedProgram.object(folder, "values");
        try (AskedProgram program = AskedProgram.startInPidNamespace(file)) {
            List<String> kernel = rows(program, object, "kernel");

            assertThat(kernel)
                    .hasSize(CALLS)
                    .anyMatch(row -> row.contains("first_thread_of=1"))
                    .allMatch(row -> row.contains("own_process=1 ") && row.contains("own_thread=1 "));
            assertThat(rows(program, object, "user")).isEqualTo(kernel);
        }
    }

    @Test
    void tasksHaveTheFieldsThatTheyHaveInTheKernel() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        try (AskedProgram program = AskedProgram.start(file)) {
            for (String option : List.of("-DPLAIN", "-DSLEEPS")) {
                String object = AskedProgram.object(folder, "task", option);
                List<String> kernel = rows(program, object, "kernel");

                assertThat(kernel)
                        .hasSize(CALLS)
                        .anyMatch(row -> row.contains("comm=a thread's name text="))
                        .allMatch(row -> row.contains("parent=" + parentOf(program)));
                assertThat(rows(program, object, "user")).isEqualTo(kernel);
            }
        }
    }

    @Test
    void tasksHaveTheFieldsThatTheyHaveInTheKernelInAPidNamespace() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        String object = AskedProgram.object(folder, "task", "-DOTHER_NAMESPACE");
        try (AskedProgram program = AskedProgram.startInPidNamespace(file)) {
            List<String> kernel = rows(program, object, "kernel");

            assertThat(kernel).hasSize(CALLS).allMatch(row -> row.contains("tgid=" + program.pid()));
            assertThat(rows(program, object, "user")).isEqualTo(kernel);
        }
    }

    @Test
    void otherFieldsOfTasksCannotBeRead() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        String object = AskedProgram.object(folder, "task");
        try (AskedProgram program = AskedProgram.start(file)) {
            assertThat(output(program, object, "user"))
                    .contains("OTHER[0] = {flags_result=-14 behind_result=-14 flags=18446744069414584320 behind=0}");
        }
    }

    private static long parentOf(AskedProgram program) {
        return ProcessHandle.of(Long.parseLong(program.pid()))
                .flatMap(ProcessHandle::parent)
                .orElseThrow()
                .pid();
    }

    private static List<String> rows(AskedProgram program, String object, String place) throws IOException {
        return output(program, object, place)
                .lines()
                .filter(line -> line.startsWith("ROW["))
                .limit(CALLS)
                .toList();
    }

    private static String output(AskedProgram program, String object, String place) throws IOException {
        try (GraftProcess graft = GraftProcess.start(
                "run", object, "-p", program.pid(), "--where", place, "--attach", "on_probed=uprobe::probed_at")) {
            graft.awaitLine("attached");
            assertThat(program.answer("calls")).isIn(program.pid(), "1");
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run.output();
        }
    }
}

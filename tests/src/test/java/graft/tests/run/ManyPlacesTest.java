package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs at many functions at once, and those for whole calls, see in a process what they see in the kernel. */
@Tag("slow")
class ManyPlacesTest {
    @TempDir
    private Path folder;

    @Test
    void patternsAndSessionsAreAsInTheKernel() {
        String object = AskedProgram.object(folder, "session");
        Path file = AskedProgram.compile(folder, "functions");
        try (AskedProgram program = AskedProgram.start(file)) {
            GraftRun user = seen(program, List.of("run", object, "-p", program.pid(), "--where", "user"));
            GraftRun kernel = seen(program, List.of("run", object, "-p", program.pid(), "--where", "kernel"));

            assertThat(user.lines()).isEqualTo(kernel.lines());
            // 100 of work_a, work_b and work_j, as many of work_a by work_b, 21 of work_recursive.
            assertThat(user.lines()).startsWith("sum[0] = 421").contains("sum[6] = 0");
        }
    }

    @Test
    void cookiesComeFromTheCommandLine() {
        String object = AskedProgram.object(folder, "session");
        Path file = AskedProgram.compile(folder, "functions");
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> command = new ArrayList<>(List.of("run", object, "-p", program.pid()));
            command.addAll(List.of("--without", "every_call,entries,returns"));
            command.addAll(List.of("--attach", "placed_by_hand=uprobe::work_b", "--cookie", "placed_by_hand=0x700"));
            command.addAll(List.of("--where", "user"));
            GraftRun user = seen(program, command);
            command.set(command.size() - 1, "kernel");
            GraftRun kernel = seen(program, command);

            assertThat(user.lines()).contains("sum[6] = " + 0x700 * 100).isEqualTo(kernel.lines());
        }
    }

    private static GraftRun seen(AskedProgram program, List<String> command) {
        try (GraftProcess graft = GraftProcess.start(command.toArray(String[]::new))) {
            graft.awaitLine("attached");
            program.answer("go");
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }
}

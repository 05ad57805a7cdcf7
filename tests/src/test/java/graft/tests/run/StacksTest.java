package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stack traces: programs in a process see the addresses, ids and errors that they see in the kernel. */
@Tag("slow")
class StacksTest {
    private static final List<String> EVERYWHERE = List.of(
            "at_leaf=uprobe::leaf",
            "at_middle=uprobe::middle",
            "at_bare=uprobe::bare",
            "at_astray=uprobe::astray",
            "at_marked=uprobe::marked",
            "inside=uprobe::deep+4",
            "behind_leaf=uretprobe::leaf",
            "behind_jumps=uretprobe::jumps",
            "behind_last=uretprobe::last");

    @TempDir
    private Path folder;

    @Test
    void areThoseOfTheKernel() throws IOException {
        try (AskedProgram program = program()) {
            String object = AskedProgram.object(folder, "stacks");
            GraftRun kernel = seen(program, object, "kernel", "calls");
            GraftRun user = seen(program, object, "user", "calls");

            assertThat(rows(kernel, "COUNT")).containsExactly("COUNT[0] = 217");
            assertThat(rows(user, "RUN")).isEqualTo(rows(kernel, "RUN"));
            assertThat(rows(user, "stacks")).isNotEmpty().isEqualTo(rows(kernel, "stacks"));
            assertThat(rows(user, "few")).hasSize(1).isEqualTo(rows(kernel, "few"));
        }
    }

    /** A kernel without CONFIG_X86_KERNEL_IBT leaves it out. */
    @Test
    void haveTheCallerOfAFunctionThatBeginsWithEndbr() throws IOException {
        try (AskedProgram program = program()) {
            String object = AskedProgram.object(folder, "stacks");

            GraftRun user = seen(program, object, "user", "marked");

            // In marked, in leaf and behind leaf, which has no frame.
            assertThat(lengths(user)).startsWith("bytes=24", "bytes=24", "bytes=24", "bytes=0");
        }
    }

    private AskedProgram program() {
        return AskedProgram.start(AskedProgram.compile(
                folder,
                "stacks",
                "-fno-omit-frame-pointer",
                "-mno-omit-leaf-frame-pointer",
                "-foptimize-sibling-calls",
                "-pthread"));
    }

    private static GraftRun seen(AskedProgram program, String object, String place, String what) throws IOException {
        List<String> command = new ArrayList<>(List.of("run", object, "-p", program.pid(), "--where", place));
        EVERYWHERE.forEach(link -> command.addAll(List.of("--attach", link)));
        try (GraftProcess graft = GraftProcess.start(command.toArray(String[]::new))) {
            graft.awaitLine("attached");
            assertThat(program.answer(what)).isEqualTo(program.pid());
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }

    private static List<String> lengths(GraftRun run) {
        return run.output()
                .lines()
                .filter(line -> line.startsWith("RUN["))
                .flatMap(line -> Stream.of(line.split(" ")))
                .filter(field -> field.startsWith("bytes="))
                .toList();
    }

    private static List<String> rows(GraftRun run, String map) {
        return run.output()
                .lines()
                .filter(line -> line.startsWith(map + "["))
                .sorted()
                .toList();
    }
}

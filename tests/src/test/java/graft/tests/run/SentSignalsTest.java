package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.Signals;
import graft.platform.proc.ProcessStatus;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The signals that programs send arrive as the kernel's do: behind the program and before the probed function, who gets
 * them, how often, in which order, what they say, and what the helpers say.
 */
@Tag("slow")
class SentSignalsTest {
    /** How the process runs, and what its program sends: number, or number/ for the thread. */
    private static final List<String> CASES = List.of(
            "entry 10",
            "entry 10/",
            "entry 34",
            "entry 64/",
            "entry 11",
            "entry 17 18",
            "entry 10 10 10",
            "entry 10/ 10",
            "entry 12 10",
            "entry 10 12/ 34 40/",
            "entry 10/ 12/ 40/ 34/ 40/",
            "entry 40 41 40 34 41 40",
            "entry 40/ 40/ 40 40",
            "entry 0 0/ 65 65/ 4294967295 10",
            "entry 19 18",
            "entry 20/ 21/ 22 18",
            "return 10",
            "return 10 40/ 40/",
            "loop 10 40/ 40/",
            "loop 12/",
            "inner 10",
            "inner 40 10/",
            "call",
            "thread 10",
            "thread 12/",
            "thread 10 40",
            "blocked 10",
            "blocked 10/ 40 40/ 40",
            "blocked 12 10 34 34",
            "other 10",
            "other 34",
            "ignored 10",
            "mask 10 12",
            "mask 10/ 12/",
            "stack 10 12",
            "jump 10",
            "jump 40 40 12",
            "jump 34/ 12/");

    private static final String HANDLED = " code=128 errno=0 pid=0 uid=0 main=1 effect=0 depth=1";

    @TempDir
    private Path folder;

    @Test
    void arriveAsTheKernels() throws IOException {
        Path file = AskedProgram.compile(folder, "signalled", "-pthread", "-Wall");
        String object = AskedProgram.object(folder, "signalled");
        try (AskedProgram program = AskedProgram.start(file)) {
            List<String> kernel = seen(program, object, "kernel");

            assertThat(kernel)
                    .hasSizeGreaterThan(CASES.size())
                    .contains("entry 10: seen: 10 code=128 errno=0 pid=0 uid=0 main=1 effect=0 depth=1 sum=42 end=1")
                    .anyMatch(row -> row.startsWith("SAID[") && row.contains("-22"));
            assertThat(seen(program, object, "user", "--allow", "change")).isEqualTo(kernel);
        }
    }

    @Test
    void areSentAtTheEndOfATailCalledProgram() throws IOException {
        Path file = AskedProgram.compile(folder, "signalled", "-pthread");
        String object = AskedProgram.object(folder, "signalled");
        try (AskedProgram program = AskedProgram.start(file);
                GraftProcess graft = GraftProcess.start(command(program, object, "user", "--allow", "change"))) {
            graft.awaitLine("attached");
            assertThat(program.answer("tail 10 40/ 40/"))
                    .isEqualTo("seen: 10%1$s 40%1$s 40%1$s count=3 end=1".formatted(HANDLED));
            assertThat(graft.interrupt().status()).isZero();
        }
    }

    @Test
    void stopAndKill() throws IOException {
        Path file = AskedProgram.compile(folder, "signalled", "-pthread");
        String object = AskedProgram.object(folder, "signalled");
        AskedProgram program = AskedProgram.start(file);
        try (program;
                GraftProcess graft = GraftProcess.start(command(program, object, "user", "--allow", "change"))) {
            graft.awaitLine("attached");
            program.begin("entry 19");
            while (ProcessStatus.of(Integer.parseInt(program.pid())).state() != 'T') {
                Thread.onSpinWait();
            }
            Signals.kill(Integer.parseInt(program.pid()), Signals.SIGCONT);
            assertThat(program.read()).contains("seen: 18").endsWith("sum=42 end=1");
            program.begin("entry 9/");
            assertThat(program.read()).isNull();
        }
    }

    /** The filter could end the process for a call that it does not make itself. */
    @Test
    void areNotSentInAProcessThatHasCalledForAFilter() throws IOException {
        Path file = AskedProgram.compile(folder, "signalled", "-pthread");
        String object = AskedProgram.object(folder, "signalled");
        try (AskedProgram program = AskedProgram.start(file);
                GraftProcess graft = GraftProcess.start(command(program, object, "user", "--allow", "change"))) {
            graft.awaitLine("attached");
            assertThat(program.answer("filter")).contains("filter=0");
            assertThat(program.answer("entry 10 40/ 9")).isEqualTo("seen: sum=42 end=1");
            assertThat(graft.interrupt().output()).contains("SAID[0] = {result=[-1, -1, -1, 0, 0, 0, 0, 0]}");
        }
    }

    @Test
    void areRefusedWithoutPermission() throws IOException, InterruptedException {
        Path file = AskedProgram.compile(folder, "signalled", "-pthread");
        String object = AskedProgram.object(folder, "signalled");
        try (AskedProgram program = AskedProgram.start(file)) {
            GraftRun run = GraftRun.of(command(program, object, "user"));

            assertThat(run.status()).isEqualTo(4);
            assertThat(run.errors()).contains("GRAFT-V007").contains("--allow change");
        }
    }

    private static List<String> seen(AskedProgram program, String object, String place, String... options)
            throws IOException {
        try (GraftProcess graft = GraftProcess.start(command(program, object, place, options))) {
            graft.awaitLine("attached");
            List<String> seen = new ArrayList<>();
            for (String one : CASES) {
                seen.add(one + ": " + program.answer(one));
            }
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            run.output()
                    .lines()
                    .filter(line -> line.startsWith("SAID[") || line.contains("EVENTS"))
                    .forEach(seen::add);
            return seen;
        }
    }

    private static String[] command(AskedProgram program, String object, String place, String... options) {
        List<String> command = new ArrayList<>(List.of("run", object, "-p", program.pid(), "--where", place));
        command.addAll(
                List.of("--attach", "on_entry=uprobe::probed_at", "--attach", "on_return=uretprobe::returned_from"));
        command.addAll(List.of(
                "--attach",
                "on_inner=uprobe::inside",
                "--attach",
                "on_tail=uprobe::tailed",
                "--attach",
                "on_loop=uprobe::looped"));
        command.addAll(List.of(options));
        return command.toArray(String[]::new);
    }
}

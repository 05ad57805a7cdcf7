package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessMaps;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Why {@code --exhaustive} leaves calls to the kernel's tracepoints and does not let it turn them into signals (Syscall User
 * Dispatch): what that does to a program, by the kernel itself. And that programs which use it are left to themselves.
 */
@Tag("slow")
class UserDispatchTest {
    @TempDir
    private Path folder;

    /**
     * A child that has the signal blocked, a stack of 1.5 KiB left, no selector any more, or a tracer that ends when it has
     * seen the signal: then the call is not made at all, and its result is another.
     */
    @ParameterizedTest
    @CsvSource({"handled,exit 0", "blocked,SIGSYS", "small,SIGSEGV", "unmapped,SIGSEGV", "traced,exit 1"})
    void aSignalForACallHarmsWhoIsNotPreparedForIt(String how, String end) throws IOException {
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "dispatched"))) {
            assertThat(program.answer(how)).isEqualTo(end);
        }
    }

    /** What it does with its calls and SIGSYS is its own, and a call that it has turned into a signal is none. */
    @Test
    void whoDispatchesItsOwnCallsGoesOnDoingSo() throws IOException {
        Path calls = folder.resolve("calls.txt");
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "dispatched"))) {
            List<String> before = state(program);
            try (GraftProcess graft =
                    GraftProcess.start("syscalls", "-f", "--exhaustive", "-p", program.pid(), "-w", calls.toString())) {
                graft.awaitLine("tracing");
                assertThat(program.answer("handled")).isEqualTo("exit 0");
                assertThat(program.answer("blocked")).isEqualTo("SIGSYS");
                assertThat(state(program)).isEqualTo(before);
                GraftRun run = graft.interrupt();
                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.errors()).contains(" 0 lost");
            }
            assertThat(state(program)).isEqualTo(before);
        }
        // One of each child before, and one in the handler, from the range that is allowed.
        assertThat(Files.readAllLines(calls))
                .filteredOn(line -> line.contains(" getpid() "))
                .hasSize(3);
        assertThat(Files.readAllLines(calls)).anyMatch(line -> line.contains(" rt_sigreturn("));
    }

    @Test
    void theProcessGoesOnWhenGraftIsKilledAndThereIsNothingToRecover() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            ProcessMaps before = ProcessMaps.of(Integer.parseInt(program.pid()));
            try (GraftProcess graft = GraftProcess.start("syscalls", "--exhaustive", "-p", program.pid())) {
                graft.awaitLine("tracing");
                program.does("call 1000");
                graft.kill();
            }
            program.does("call 1000");
            GraftRun recovery = GraftRun.of("recover");
            assertThat(recovery.status()).as(recovery.errors()).isZero();
            program.does("call 1000");
            assertThat(ProcessMaps.of(Integer.parseInt(program.pid())).mappings())
                    .isEqualTo(before.mappings());
        }
    }

    /** Its memory, and what it does with signals. */
    private static List<String> state(AskedProgram program) throws IOException {
        Path about = Path.of("/proc", program.pid());
        List<String> state = Files.readAllLines(about.resolve("maps"));
        Files.readAllLines(about.resolve("status")).stream()
                .filter(line -> line.startsWith("Sig") || line.startsWith("TracerPid") || line.startsWith("Seccomp"))
                .filter(line -> !line.startsWith("SigQ"))
                .forEach(state::add);
        return state;
    }
}

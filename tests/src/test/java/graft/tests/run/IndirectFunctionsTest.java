package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions with one implementation for each kind of processor: the one that runs is probed. */
@Tag("slow")
class IndirectFunctionsTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"strspn", "strcasecmp"})
    void callsAreCountedExactly(String function) {
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "strings", "-fno-builtin"));
                GraftProcess graft = GraftProcess.start("count", "libc.so.6:" + function, "-p", program.pid())) {
            graft.awaitLine("counting");
            assertThat(program.answer("go")).isEqualTo("2000");
            GraftRun run = graft.interrupt();

            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.output()).containsPattern("1,000  " + function + "\\R");
        }
    }
}

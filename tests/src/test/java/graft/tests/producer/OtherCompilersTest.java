package graft.tests.producer;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An object of each compiler loads, passes the verifier, and counts every call in a real process. */
@Tag("slow")
class OtherCompilersTest {
    private static final int CALLS = 12_345;
    private static final int SIZES = 64;
    private static final String SOURCE = """
            __attribute__((noinline)) long work(long a) { volatile long x = a; return x + 1; }
            int main(void) {
                long sum = 0;
                for (int i = 0; i < %d; i++) sum += work(i);
                return sum == 0;
            }
            """.formatted(CALLS);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void countsEveryCall(Compiler compiler) throws IOException, InterruptedException {
        Path object = object(compiler);

        GraftRun run = GraftRun.of("run", object.toString(), "--attach", "on_call=uprobe::work", "--", program());

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.output()).containsPattern("CALLS\\[0] = " + CALLS + "\\R");
        for (int size = 0; size < SIZES; size++) {
            int expected = CALLS / SIZES + (size < CALLS % SIZES ? 1 : 0);
            assertThat(run.output()).containsPattern("BY_SIZE\\[" + size + "] = " + expected + "\\R");
        }
    }

    private Path object(Compiler compiler) throws IOException {
        return switch (compiler.countCalls(folder)) {
            case Compiler.Making.Made(var object) -> object;
            case Compiler.Making.Missing(var why) -> Assumptions.abort(why);
        };
    }

    private String program() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("program.c"), SOURCE);
        Path program = folder.resolve("program");
        Process gcc = new ProcessBuilder("gcc", "-O2", "-o", program.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(gcc.waitFor()).isZero();
        return program.toString();
    }
}

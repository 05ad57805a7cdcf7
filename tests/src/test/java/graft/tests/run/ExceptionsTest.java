package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** C++ exceptions pass through a function with an entry and a return probe, as without graft. */
@Tag("slow")
class ExceptionsTest {
    private static final int CALLS = 30_000;
    private static final Path OBJECT = Path.of("target/test-classes/bpf/count_array.bpf.o");
    /** Exits with 0 when exactly every third call's exception has arrived, with its text and after its destructor. */
    private static final String SOURCE = """
            #include <stdexcept>
            #include <string>
            static long destroyed, caught;
            struct Guard { ~Guard() { destroyed++; } };
            extern "C" __attribute__((noinline)) int work(int n) {
                Guard guard;
                std::string text = std::to_string(n);
                if (n %% 3 == 0) throw std::runtime_error(text);
                return (int)text.size();
            }
            int main() {
                for (int i = 0; i < %1$d; i++) {
                    try { work(i); } catch (const std::exception &e) { caught += e.what() == std::to_string(i); }
                }
                return caught == %1$d / 3 && destroyed == %1$d ? 0 : 1;
            }
            """.formatted(CALLS);

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"-O0", "-O2", "-O3"})
    void arriveThroughAProbedFunction(String level) throws IOException, InterruptedException {
        Path program = compile(level);
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();

        int status = Main.run(
                new PrintWriter(out),
                new PrintWriter(err),
                "run",
                OBJECT.toString(),
                "--attach",
                "count_enter=uprobe::work",
                "--attach",
                "count_exit=uretprobe::work",
                "--",
                program.toString());

        assertThat(status).as(err.toString()).isZero();
        assertThat(out.toString())
                .containsPattern("counts\\[0] = " + CALLS + "\\R")
                .containsPattern("counts\\[1] = " + CALLS / 3 * 2 + "\\R");
    }

    private Path compile(String level) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("program.cc"), SOURCE);
        Path program = folder.resolve("program");
        Process compiler = new ProcessBuilder("g++", level, "-o", program.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
        return program;
    }
}

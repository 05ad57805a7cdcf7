package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftRun;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs of one object call each other through an array of programs in a process. */
@Tag("slow")
class TailCallsInProcessTest {
    private static final String PROGRAM = """
            __attribute__((noinline)) long work(long a) { volatile long x = a; return x + 1; }
            int main(void) { long sum = 0; for (int i = 0; i < 3; i++) sum += work(i); return sum == 0; }
            """;

    @TempDir
    private Path folder;

    /**
     * Three calls. Empty and missing places are passed over; a call from a function returns to its caller; the 33 calls of
     * a run are used up by one from there and 32 in the chain, which begins with a call of its own.
     */
    @Test
    void chainsEndAtTheKernelsLimit() throws IOException, InterruptedException {
        GraftRun run =
                GraftRun.of("run", object(), "--where", "user", "--attach", "on_call=uprobe::work", "--", program());

        assertThat(run.status()).as(run.errors()).isZero();
        List<Long> results = List.of(3 * 1001L, 3 * 32L, 3L, 3L);
        for (int i = 0; i < results.size(); i++) {
            assertThat(run.output()).containsPattern("RESULTS\\[" + i + "] = " + results.get(i) + "\\R");
        }
    }

    private String object() throws IOException, InterruptedException {
        Path source = folder.resolve("tail.bpf.c");
        try (InputStream in = TailCallsInProcessTest.class.getResourceAsStream("tail.bpf.c")) {
            Files.copy(in, source);
        }
        String object = folder.resolve("tail.bpf.o").toString();
        compile(
                "clang",
                "-g",
                "-O2",
                "-target",
                "bpf",
                "-I/usr/include/x86_64-linux-gnu",
                "-c",
                "-o",
                object,
                "" + source);
        return object;
    }

    private String program() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("program.c"), PROGRAM);
        String program = folder.resolve("program").toString();
        compile("gcc", "-O2", "-o", program, "" + source);
        return program;
    }

    private static void compile(String... command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}

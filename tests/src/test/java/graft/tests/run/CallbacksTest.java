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

/** Helpers that call functions of the program do it in a process as in the kernel. */
@Tag("slow")
class CallbacksTest {
    private static final String PROGRAM = """
            __attribute__((noinline)) long work(long a) { volatile long x = a; return x + 1; }
            int main(void) { long sum = 0; for (int i = 0; i < 3; i++) sum += work(i); return sum == 0; }
            """;

    @TempDir
    private Path folder;

    /** What the kernel leaves of the same object: each of three calls adds the same, but where values add up. */
    @Test
    void loopsOverNumbersArraysAndTables() throws IOException, InterruptedException {
        GraftRun run =
                GraftRun.of("run", object(), "--where", "user", "--attach", "on_call=uprobe::work", "--", program());

        assertThat(run.status()).as(run.errors()).isZero();
        List<Long> results = List.of(21L, 273L, 15L, 60L, 30L, 330L, 15L, -66L);
        for (int i = 0; i < results.size(); i++) {
            assertThat(run.output())
                    .containsPattern("RESULTS\\[" + i + "] = " + Long.toUnsignedString(results.get(i)) + "\\R");
        }
        assertThat(run.output().lines().filter(line -> line.startsWith("TABLE[")))
                .containsExactlyInAnyOrder(
                        "TABLE[2] = 2", "TABLE[4] = 4", "TABLE[6] = 6", "TABLE[8] = 8", "TABLE[10] = 10");
    }

    private String object() throws IOException, InterruptedException {
        Path source = folder.resolve("callbacks.bpf.c");
        try (InputStream in = CallbacksTest.class.getResourceAsStream("callbacks.bpf.c")) {
            Files.copy(in, source);
        }
        String object = folder.resolve("callbacks.bpf.o").toString();
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

package graft.syscalls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tables that are checked in are what their generator makes. */
class GeneratedTablesTest {
    private static final Path GENERATOR = Path.of("src/main/tables/make-syscalls");
    private static final Path TABLES = Path.of("src/main/resources/graft/syscalls");
    private static final Path TRACEFS = Path.of("/sys/kernel/tracing/events/syscalls");

    @Test
    @Tag("slow")
    void tablesAreWhatTheGeneratorMakes(@TempDir Path folder) throws Exception {
        assumeTrue(Files.isReadable(TRACEFS), "tracefs is not readable here");
        String origin = run("--origin").getFirst();
        String kept = Files.readAllLines(TABLES.resolve("x86_64.syscalls")).getFirst();
        assumeTrue(origin.equals(kept), "another kernel or other headers: " + origin);

        assertThat(run(folder.toString())).isEmpty();

        for (String table : List.of("x86_64.syscalls", "x86_64.names")) {
            assertThat(Files.readAllLines(folder.resolve(table)))
                    .as(table)
                    .isEqualTo(Files.readAllLines(TABLES.resolve(table)));
        }
    }

    private static List<String> run(String argument) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(GENERATOR.toString(), argument)
                .redirectErrorStream(true)
                .start();
        List<String> lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        return lines;
    }
}

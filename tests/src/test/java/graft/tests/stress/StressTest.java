package graft.tests.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Runs jcstress over this package. {@code -Dgraft.seconds=N}: for how long each test, and with each mixture of interpreted
 * and compiled threads. What it found stays in {@code tests/target/stress}.
 */
@Tag("slow")
class StressTest {
    /** States that threads go through without waiting for each other, and how often before there are new ones. */
    static final int STRIDE = 32;

    static final int STRIDES = 4;

    private static final Optional<Integer> SECONDS = Optional.ofNullable(Integer.getInteger("graft.seconds"));
    private static final int SHORT_MILLIS = 750;
    private static final Path FOLDER = Path.of(System.getProperty("graft.root"), "tests/target/stress");

    @Test
    void noResultIsForbidden() throws IOException, InterruptedException {
        Path output = Files.createDirectories(FOLDER).resolve("output.txt");
        int status = run(output);
        List<String> lines = Files.readAllLines(output);
        String all = String.join("\n", lines);
        int tests = tests();
        String results = lines.stream()
                .filter(line -> line.startsWith("(Results: "))
                .reduce((_, last) -> last)
                .orElse("no results");
        assertThat(status).as(all).isZero();
        assertThat(tests).isPositive();
        assertThat(results)
                .as(all)
                .matches("\\(Results: (\\d+) planned; \\1 passed, 0 failed, 0 soft errs, 0 hard errs\\)");
        for (String test : List.of("Failed", "Error")) {
            assertThat(all).contains(test + " tests: No matches.");
        }
        assertThat(Integer.parseInt(results.split(" ")[1])).as(all).isGreaterThanOrEqualTo(tests);
    }

    /** Classes that the annotation processor has seen. */
    private static int tests() throws IOException {
        try (InputStream list = StressTest.class.getResourceAsStream("/META-INF/TestList")) {
            return (int) new String(list.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .count();
        }
    }

    private static int run(Path output) throws IOException, InterruptedException {
        Process stress = new ProcessBuilder(List.of(
                        // Threads that do not have two processors at once never meet; without the right to it, it goes
                        // on as it is.
                        "nice",
                        "-n",
                        "-10",
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "org.openjdk.jcstress.Main",
                        "-f=1",
                        "-iters=1",
                        "-time=" + SECONDS.map(seconds -> seconds * 1000).orElse(SHORT_MILLIS),
                        "-sc=" + SECONDS.isPresent(),
                        "-af=NONE",
                        "-strideSize=" + STRIDE,
                        "-strideCount=" + STRIDES,
                        "-jvmArgs=-XX:+UseSerialGC",
                        "-jvmArgsPrepend=--enable-native-access=ALL-UNNAMED",
                        "-v",
                        "-r=" + FOLDER.resolve("report")))
                .directory(FOLDER.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            return stress.waitFor();
        } finally {
            stress.descendants().forEach(ProcessHandle::destroyForcibly);
            stress.destroyForcibly();
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A command, all that it starts and all that these execute, from the first instruction on: two runs that do the same, one
 * traced by strace and one from within its processes.
 */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StartedSyscallsTest {
    private static final String THREADS = """
            #include <fcntl.h>
            #include <pthread.h>
            #include <time.h>
            #include <unistd.h>
            static pthread_barrier_t all;
            static void *work(void *unused) {
                char text[64];
                pthread_barrier_wait(&all);
                for (int i = 0; i < 20; i++) {
                    open("/nowhere", O_RDONLY | O_CLOEXEC);
                    readlink("/proc/self/exe", text, i);
                    access("/proc/version", R_OK);
                    nanosleep(&(struct timespec) {0, 1000}, 0);
                }
                pthread_barrier_wait(&all);
                return unused;
            }
            int main(void) {
                pthread_t threads[32];
                pthread_barrier_init(&all, 0, 32);
                for (int i = 0; i < 32; i++) pthread_create(&threads[i], 0, work, 0);
                for (int i = 0; i < 32; i++) pthread_join(threads[i], 0);
                return 0;
            }
            """;

    /** Of a difference. */
    private static final int LINES = 8;

    @TempDir
    private Path folder;

    @Test
    void aListingIsSeenAsStraceSeesIt() throws IOException {
        Path tree = Files.createDirectories(folder.resolve("tree/a/b"));
        Files.writeString(tree.resolve("file"), "text");
        Files.createSymbolicLink(tree.resolve("link"), Path.of("file"));

        sameLines(1, "ls", "-lR", tree.toString());
    }

    @Test
    void aShellAndItsChildrenAreSeenAsStraceSeesThem() throws IOException {
        Files.createDirectories(folder.resolve("tree/a"));
        String script = "cd " + folder
                + " && ls tree | sort | wc -l >out; (cat none; true) 2>err; /none; cat err; exec /bin/true";

        sameLines(8, "/bin/sh", "-c", script);
    }

    @Test
    void thirtyTwoThreadsAreSeenAsStraceSeesThem() throws Exception {
        sameLines(33, compiled("threads", THREADS, "-pthread").toString());
    }

    @Test
    void aStaticProgramIsSeenAsStraceSeesIt() throws Exception {
        sameLines(33, compiled("static", THREADS, "-pthread", "-static").toString());
    }

    /** Children by {@code vfork}, pipes between them, a library that is loaded when it is asked for. */
    @Test
    void pythonAndWhatItExecutesAreSeenAsStraceSeesThem() throws IOException {
        Path script = Files.writeString(
                Files.createDirectory(folder.resolve("script")).resolve("children.py"), """
                import ctypes, subprocess
                subprocess.check_output(["/bin/echo", "one"])
                subprocess.run(["/bin/true"])
                ctypes.CDLL("libm.so.6").getpid()
                """);

        // When its allocator wants more memory depends on addresses: two runs under strace differ in that as well.
        Map<String, List<String>> expected =
                withoutAllocations(byStrace(python(), "-S", "-E", "-B", script.toString()));
        Map<String, List<String>> seen = withoutAllocations(byGraft(python(), "-S", "-E", "-B", script.toString()));
        assertSame(3, seen, expected);
    }

    /** In the middle of whatever it does with the programs that a shell executes. */
    @Test
    void whatIsFollowedGoesOnWhenGraftIsKilled() throws IOException {
        Path out = Files.createFile(folder.resolve("out"));
        String script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do /bin/echo $i >>%s; done".formatted(out);
        String calls = folder.resolve("calls.txt").toString();

        try (GraftProcess graft =
                GraftProcess.start("syscalls", "-f", "--where", "user", "-w", calls, "--", "/bin/sh", "-c", script)) {
            while (Files.size(out) < 4) {
                Thread.onSpinWait();
            }
            graft.kill();
        }

        while (Files.readAllLines(out).size() < 12) {
            Thread.onSpinWait();
        }
        assertThat(Files.readAllLines(out)).startsWith("1", "2").endsWith("11", "12");
    }

    /** The program itself, not a script that looks for it. */
    private static String python() throws IOException {
        Process asked = new ProcessBuilder("python3", "-c", "import sys; print(sys.executable)").start();
        return asked.inputReader().readLine();
    }

    private Path compiled(String name, String text, String... options) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve(name + ".c"), text);
        Path program = folder.resolve(name);
        List<String> command = new ArrayList<>(List.of("gcc", "-w", "-o", program.toString(), source.toString()));
        command.addAll(List.of(options));
        Process gcc = new ProcessBuilder(command).inheritIO().start();
        assertThat(gcc.waitFor()).isZero();
        return program;
    }

    private void sameLines(int threads, String... command) throws IOException {
        Map<String, List<String>> expected = byStrace(command);
        assertSame(threads, byGraft(command), expected);
    }

    private static Map<String, List<String>> withoutAllocations(Map<String, List<String>> threads) {
        Map<String, List<String>> without = new TreeMap<>();
        threads.forEach((thread, lines) -> without.put(
                thread,
                lines.stream()
                        .filter(line -> !line.startsWith("brk(")
                                && !line.startsWith("munmap(")
                                && !line.contains("MAP_ANONYMOUS"))
                        .toList()));
        return without;
    }

    private static void assertSame(int threads, Map<String, List<String>> seen, Map<String, List<String>> expected) {
        assertThat(expected).hasSizeGreaterThanOrEqualTo(threads);
        assertThat(seen.keySet()).isEqualTo(expected.keySet());
        expected.forEach((thread, lines) -> assertSame(thread, seen.get(thread), lines));
    }

    /** Says where two lists part, not all of both. */
    private static void assertSame(String thread, List<String> seen, List<String> expected) {
        int same = 0;
        while (same < Math.min(seen.size(), expected.size()) && seen.get(same).equals(expected.get(same))) {
            same++;
        }
        assertThat(seen.subList(same, Math.min(seen.size(), same + LINES)))
                .as("thread %s from its line %d on", thread, same)
                .isEqualTo(expected.subList(same, Math.min(expected.size(), same + LINES)));
    }

    /** The first call is how the program was started, of which the other side knows nothing. */
    private Map<String, List<String>> byStrace(String... command) throws IOException {
        Path traces = Files.createDirectories(folder.resolve("traces"));
        List<String> words = new ArrayList<>(List.of(
                // As what graft starts: a build in the background of a shell ignores some signals.
                "env", "--default-signal", "strace", "-qq", "-ff", "-o", traces + "/of"));
        words.addAll(List.of(command));
        Process strace = new ProcessBuilder(words).redirectErrorStream(true).start();
        strace.inputReader().lines().forEach(_ -> {});
        Map<String, List<String>> lines = comparable(CallLines.ofAnyRun(CallLines.strace(traces, "of.")));
        lines.computeIfPresent("0", (_, first) -> first.subList(1, first.size()));
        return lines;
    }

    private Map<String, List<String>> byGraft(String... command) throws IOException {
        Path calls = folder.resolve("calls.txt");
        List<String> words =
                new ArrayList<>(List.of("syscalls", "-f", "--where", "user", "-w", calls.toString(), "--"));
        words.addAll(List.of(command));
        GraftRun run = GraftRun.of(words.toArray(String[]::new));
        assertThat(run.errors()).contains(" 0 lost").doesNotContain("left out");
        return comparable(CallLines.ofAnyRun(CallLines.graft(calls)));
    }

    /** Who ends first is anybody's guess, and so is who has to wait for a lock. The return from a handler is not hooked. */
    private static Map<String, List<String>> comparable(Map<String, List<String>> threads) {
        Map<String, List<String>> comparable = new TreeMap<>();
        threads.forEach((thread, lines) -> {
            List<String> kept = new ArrayList<>();
            List<String> waits = new ArrayList<>();
            for (String line : lines) {
                if (line.startsWith("wait4(")) {
                    waits.add(line);
                } else if (!line.startsWith("futex(") && !line.startsWith("rt_sigreturn(")) {
                    kept.addAll(waits.stream().sorted().toList());
                    waits.clear();
                    kept.add(line);
                }
            }
            kept.addAll(waits.stream().sorted().toList());
            comparable.put(thread, kept);
        });
        return comparable;
    }
}

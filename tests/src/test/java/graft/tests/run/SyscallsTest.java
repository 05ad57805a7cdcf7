package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftRun;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same run seen by strace and by graft, which traces strace and all below it: the same lines for each thread. */
@Tag("slow")
class SyscallsTest {
    private static final String THREADS = """
            #include <fcntl.h>
            #include <poll.h>
            #include <pthread.h>
            #include <stdio.h>
            #include <sys/socket.h>
            #include <sys/uio.h>
            #include <sys/un.h>
            #include <time.h>
            #include <unistd.h>
            static void *work(void *unused) {
                char text[64];
                for (int i = 0; i < 20; i++) {
                    int fd = open("/proc/self/comm", O_RDONLY);
                    read(fd, text, sizeof(text));
                    close(fd);
                    nanosleep(&(struct timespec) {0, 1000}, 0);
                }
                return unused;
            }
            int main(void) {
                pthread_t threads[32];
                struct sockaddr_un address = {AF_UNIX, "/nowhere/socket"};
                struct iovec pieces[2] = {{"one", 3}, {"two\\n", 4}};
                int ends[2];
                for (int i = 0; i < 32; i++) pthread_create(&threads[i], 0, work, 0);
                for (int i = 0; i < 32; i++) pthread_join(threads[i], 0);
                pipe(ends);
                writev(ends[1], pieces, 2);
                struct pollfd ready = {ends[0], POLLIN, 0};
                poll(&ready, 1, 1000);
                fcntl(ends[0], F_GETFL);
                fcntl(ends[0], F_SETFD, FD_CLOEXEC);
                connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (void *)&address, sizeof(address));
                return 0;
            }
            """;

    private static final String LOOP = """
            #include <fcntl.h>
            #include <stdio.h>
            #include <sys/stat.h>
            #include <time.h>
            #include <unistd.h>
            int main(void) {
                struct stat about;
                char text[8];
                puts("runs");
                fflush(stdout);
                for (;;) {
                    int fd = open("/proc/version", O_RDONLY | O_CLOEXEC);
                    read(fd, text, sizeof(text));
                    close(fd);
                    stat("/nowhere", &about);
                    nanosleep(&(struct timespec) {0, 5000000}, 0);
                }
            }
            """;
    private static final List<String> ROUND = List.of(
            "openat(AT_FDCWD, \"/proc/version\", O_CLOEXEC|O_RDONLY) = FD",
            "read(FD, \"Linux ve\", 8) = 8",
            "close(FD) = 0",
            "newfstatat(AT_FDCWD, \"/nowhere\", ADDRESS, 0) = -1 ENOENT (No such file or directory)");

    @TempDir
    private Path folder;

    @Test
    void aListingIsSeenAsStraceSeesIt() throws IOException {
        Path tree = Files.createDirectories(folder.resolve("tree/a/b"));
        Files.writeString(tree.resolve("file"), "text");
        Files.createSymbolicLink(tree.resolve("link"), Path.of("file"));

        sameLines(1, "sh", "-c", "exec ls -lR " + folder.resolve("tree") + " >" + folder.resolve("out"));
    }

    @Test
    void aShellAndItsChildrenAreSeenAsStraceSeesThem() throws IOException {
        Files.createDirectories(folder.resolve("tree/a"));
        String script =
                "cd " + folder + " && ls tree | sort | wc -l >out; (cat none; true) 2>err | grep -c x; true & wait";

        sameLines(6, "sh", "-c", script + "; exit 0");
    }

    @Test
    void thirtyTwoThreadsAreSeenAsStraceSeesThem() throws Exception {
        sameLines(33, program().toString());
    }

    @Test
    void aStaticProgramIsSeenAsStraceSeesIt() throws Exception {
        sameLines(33, program("-static").toString());
    }

    @Test
    void aRunningProgramIsSeenFromWithinItsProcessAndFromTheKernel() throws Exception {
        try (Loop loop = loop()) {
            for (String place : List.of("user", "kernel")) {
                List<String> lines = rounds(loop.pid(), place);
                int first = lines.indexOf(ROUND.getFirst());
                assertThat(first).as(place + lines).isBetween(0, ROUND.size());
                assertThat(lines.size()).as(place).isGreaterThan(first + 2 * ROUND.size());
                for (int i = first; i < lines.size(); i++) {
                    assertThat(lines.get(i)).as(place).isEqualTo(ROUND.get((i - first) % ROUND.size()));
                }
            }
        }
    }

    @Test
    void packagedToolsCountTheSameFilesInBothPlaces() throws Exception {
        try (Loop loop = loop()) {
            for (String place : List.of("user", "kernel")) {
                String opened = tool("opensnoop", loop.pid(), place);
                assertThat(opened)
                        .as(place)
                        .containsPattern("files\\[\\{path=/proc/version\\}\\] = \\{calls=\\d+ errors=0 ");
                String asked = tool("statsnoop", loop.pid(), place);
                assertThat(asked)
                        .as(place)
                        .containsPattern(
                                "files\\[\\{path=/nowhere\\}\\] = \\{calls=(\\d+) errors=\\1 last_result=-2\\}");
            }
            assertThat(tool("syscount", loop.pid(), "user"))
                    .containsPattern("calls\\[257\\] = \\{calls=\\d+ errors=0\\}");
        }
    }

    private static String tool(String name, long pid, String place) {
        return tool(name, pid, List.of("--where", place));
    }

    private static String tool(String name, long pid, List<String> how) {
        List<String> words = new ArrayList<>(List.of("run", name, "-p", Long.toString(pid), "-d", "300ms"));
        words.addAll(how);
        GraftRun run = GraftRun.of(words.toArray(String[]::new));
        assertThat(run.status()).as(run.errors()).isZero();
        return run.output();
    }

    @Test
    void exhaustiveIsTheKernelsAndExcludesWhatOnlyProcessesCanDo() throws Exception {
        try (Loop loop = loop()) {
            String maps = Files.readString(Path.of("/proc/" + loop.pid() + "/maps"));
            assertThat(tool("opensnoop", loop.pid(), List.of("--exhaustive")))
                    .containsPattern("files\\[\\{path=/proc/version\\}\\] = \\{calls=\\d+ errors=0 ");
            assertThat(Files.readString(Path.of("/proc/" + loop.pid() + "/maps")))
                    .isEqualTo(maps);
            String pid = Long.toString(loop.pid());
            assertUsage(
                    "GRAFT-U001 graft syscalls: --exhaustive and --inject exclude each other\n",
                    GraftRun.of("syscalls", "-p", pid, "--exhaustive", "--inject", "getppid:retval=0"));
            assertUsage(
                    "GRAFT-U001 graft syscalls: --exhaustive and --where user exclude each other\n",
                    GraftRun.of("syscalls", "-p", pid, "--exhaustive", "--where", "user"));
            assertThat(GraftRun.of("run", "opensnoop", "-p", pid, "--exhaustive", "--where", "user")
                            .errors())
                    .startsWith("GRAFT-U001 graft run: ")
                    .contains(" is to run in processes and exhaustively\n");
        }
    }

    private static void assertUsage(String beginning, GraftRun run) {
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.errors()).startsWith(beginning);
    }

    /** A child of a shell: Java waits for its own children in a thread that would take the stops of a tracer. */
    private record Loop(Process shell, long pid) implements AutoCloseable {
        @Override
        public void close() {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
            shell.onExit().join();
        }
    }

    private Loop loop() throws IOException, InterruptedException {
        Process shell = new ProcessBuilder(
                        "sh",
                        "-c",
                        "\"$0\" & echo $!; wait",
                        compiled("loop", LOOP).toString())
                .start();
        BufferedReader said = shell.inputReader();
        List<String> lines =
                Stream.of(said.readLine(), said.readLine()).sorted().toList();
        assertThat(lines.getLast()).isEqualTo("runs");
        return new Loop(shell, Long.parseLong(lines.getFirst()));
    }

    private List<String> rounds(long pid, String place) throws IOException {
        Path calls = folder.resolve(place + ".txt");
        GraftRun run = GraftRun.of(
                "syscalls",
                "-p",
                Long.toString(pid),
                "--where",
                place,
                "-d",
                "500ms",
                "-e",
                "openat,read,close,newfstatat",
                "-w",
                calls.toString());
        assertThat(run.status()).as(run.errors()).isZero();
        return CallLines.graft(calls).getOrDefault(Long.toString(pid), List.of()).stream()
                .filter(line -> !line.contains("<"))
                .map(line -> line.startsWith("openat") ? line.replaceFirst("= \\d+$", "= FD") : line)
                .map(line -> line.replaceFirst("^(read|close)\\(\\d+", "$1(FD"))
                .map(line -> line.replaceFirst("0x7[0-9a-f]+", "ADDRESS"))
                .toList();
    }

    private Path program(String... options) throws IOException, InterruptedException {
        return compiled("threads", THREADS, options);
    }

    private Path compiled(String name, String text, String... options) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve(name + ".c"), text);
        Path program = folder.resolve(name);
        List<String> command =
                new ArrayList<>(List.of("gcc", "-w", "-pthread", "-o", program.toString(), source.toString()));
        command.addAll(List.of(options));
        Process gcc = new ProcessBuilder(command).inheritIO().start();
        assertThat(gcc.waitFor()).isZero();
        return program;
    }

    private void sameLines(int threads, String... command) throws IOException {
        Path traces = Files.createDirectories(folder.resolve("strace"));
        Path calls = folder.resolve("calls.txt");
        List<String> words =
                new ArrayList<>(List.of("syscalls", "-f", "--where", "kernel", "-w", calls.toString(), "--"));
        words.addAll(List.of("strace", "-qq", "-ff", "-o", traces.resolve("of").toString()));
        words.addAll(List.of(command));

        GraftRun run = GraftRun.of(words.toArray(String[]::new));

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.errors()).contains(" 0 lost");
        Map<String, List<String>> ours = CallLines.graft(calls);
        Map<String, List<String>> theirs = CallLines.strace(traces, "of.");
        assertThat(theirs).hasSizeGreaterThanOrEqualTo(threads);
        theirs.forEach((thread, expected) -> assertThat(sinceFirst(ours.getOrDefault(thread, List.of()), expected))
                .as("thread " + thread)
                .isEqualTo(expected));
    }

    /** Without what strace's own child did before it became the program. */
    private static List<String> sinceFirst(List<String> lines, List<String> expected) {
        int first = expected.getFirst().startsWith("execve(") ? lines.indexOf(expected.getFirst()) : 0;
        return first < 0 ? lines : lines.subList(first, lines.size());
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.load.Body;
import graft.cli.load.NginxServer;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
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
            static void *alone(void *end) {
                pthread_detach(pthread_self());
                close((int)(long)end);
                return 0;
            }
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
                int ends[2];
                char none;
                pipe(ends);
                pthread_create(&threads[0], 0, alone, (void *)(long)ends[1]);
                read(ends[0], &none, 1);
                usleep(100000);
                return 0;
            }
            """;

    /** Calls that code makes which the program has made itself: in threads, a child, and to execute another program. */
    private static final String OWN_CODE = """
            #include <fcntl.h>
            #include <pthread.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <unistd.h>
            /* mov %rdi, %rax; mov %rsi, %rdi; mov %rdx, %rsi; mov %rcx, %rdx; mov %r8, %r10; syscall; ret */
            static const unsigned char code[] = {
                0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x0f, 0x05, 0xc3};
            static long (*call)(long, long, long, long, long);
            static void *thread(void *file) {
                char text[16];
                for (int i = 0; i < 20; i++) {
                    call(17, (long)file, (long)text, 4, i);
                    call(2, (long)"/nowhere", O_RDONLY, 0, 0);
                }
                return 0;
            }
            int main(void) {
                void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                memcpy(page, code, sizeof code);
                mprotect(page, 4096, PROT_READ | PROT_EXEC);
                call = page;
                call(21, (long)"/nowhere", F_OK, 0, 0);
                long file = call(2, (long)"/proc/version", O_RDONLY, 0, 0);
                pthread_t threads[4];
                for (int i = 0; i < 4; i++) pthread_create(threads + i, 0, thread, (void *)file);
                for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
                int status;
                long child = call(57, 0, 0, 0, 0);
                if (!child) {
                    call(33, 0, 100, 0, 0);
                    call(231, 3, 0, 0, 0);
                }
                call(61, child, (long)&status, 0, 0);
                char *arguments[] = {"/bin/true", 0};
                call(59, (long)"/bin/true", (long)arguments, 0, 0);
            }
            """;

    /** How calls are seen. */
    private static final List<String> IN_PLACE = List.of("--where", "user");

    private static final List<String> EXHAUSTIVE = List.of("--exhaustive");

    /** Work of two goroutines, each of them on a thread that it has to itself. */
    private static final String GOROUTINE = """
            package main

            import (
                "fmt"
                "io"
                "net"
                "os"
                "path/filepath"
                "runtime"
            )

            func init() { runtime.LockOSThread() }

            func main() {
                folder := os.Args[1]
                for i := 0; i < 5; i++ {
                    name := filepath.Join(folder, fmt.Sprint("file", i))
                    os.WriteFile(name, []byte(name), 0o644)
                }
                entries, _ := os.ReadDir(folder)
                for _, entry := range entries {
                    name := filepath.Join(folder, entry.Name())
                    about, _ := os.Stat(name)
                    text, _ := os.ReadFile(name)
                    fmt.Println(about.Size(), len(text))
                    os.Remove(name)
                }
                _, err := os.Open("/nowhere")
                fmt.Println(err)
                server, _ := net.Listen("unix", filepath.Join(folder, "socket"))
                client, _ := net.Dial("unix", filepath.Join(folder, "socket"))
                answering, _ := server.Accept()
                text := []byte("hello")
                client.Write(text)
                io.ReadFull(answering, text)
                client.Close()
                answering.Close()
                server.Close()
                fmt.Println(string(text))
            }
            """;

    /** What Go's scheduler and its memory need, on any thread and at any time; threads that end have no stack any more. */
    private static final Set<String> SCHEDULER = Set.of(
            "clone",
            "epoll_pwait",
            "exit",
            "getpid",
            "gettid",
            "madvise",
            "mmap",
            "munmap",
            "nanosleep",
            "rt_sigprocmask",
            "sched_yield",
            "sigaltstack",
            "tgkill");

    private static final String RECEIVED = "recvfrom(ENCRYPTED)";

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
        sameLines(34, compiled("threads", THREADS, "-pthread").toString());
    }

    @Test
    void aStaticProgramIsSeenAsStraceSeesIt() throws Exception {
        sameLines(34, compiled("static", THREADS, "-pthread", "-static").toString());
    }

    /** The last thread unmaps its own stack, and with it all that programs could use. */
    @Test
    void aStaticProgramOfAnotherLibraryIsSeenAsStraceSeesIt() throws Exception {
        sameLines(34, StartedSyscallsTest::withStack, musl().toString());
    }

    private Path musl() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("musl.c"), THREADS);
        Path program = folder.resolve("musl");
        compile(List.of("musl-gcc", "-w", "-static", "-o", program.toString(), source.toString()));
        return program;
    }

    /** Also what threads without a stack call. */
    @Test
    void allOfAStaticProgramOfAnotherLibraryIsSeen() throws Exception {
        String program = musl().toString();
        assertSame(34, byGraft(EXHAUSTIVE, program), byStrace(program));
    }

    @Test
    void callsOfCodeThatAProgramMakesItselfAreSeen() throws Exception {
        String program = compiled("own", OWN_CODE, "-pthread").toString();
        Map<String, List<String>> expected = byStrace(program);
        assertThat(expected.values())
                .filteredOn(lines -> lines.contains("dup2(0, 100) = 100"))
                .hasSize(1);
        assertSame(6, byGraft(EXHAUSTIVE, program), expected);
    }

    /** Children by {@code vfork} and by {@code fork}, and what they execute. */
    @Test
    void allOfAShellAndItsChildrenIsSeen() throws IOException {
        Files.createDirectories(folder.resolve("tree/a"));
        String script = "cd " + folder + "/tree && ls | sort | wc -l >a/out; (cat none; true) 2>a/err; exec " + python()
                + " -S -E -c 'import subprocess; subprocess.run([\"/bin/true\"])'";
        String[] command = {"/bin/sh", "-c", script};
        Map<String, List<String>> expected = withoutAllocations(byStrace(command));
        assertSame(7, withoutAllocations(byGraft(EXHAUSTIVE, command)), expected);
    }

    /** Without the end of a thread that unmaps its stack and ends. */
    private static List<String> withStack(List<String> lines) {
        int end = lines.size() - 2;
        boolean unmaps = end > 0
                && lines.get(end).startsWith("munmap(")
                && lines.getLast().startsWith("exit(");
        return unmaps ? lines.subList(0, end) : lines;
    }

    /** From the start to the first thread of its scheduler all; then what its main goroutine does. */
    @Test
    void aStaticProgramInGoIsSeenAsStraceSeesIt() throws Exception {
        String[] command = goroutines();
        sameStartAndMain(byGraft(IN_PLACE, command), byStrace(command));
    }

    @Test
    void allOfAStaticProgramInGoIsSeen() throws Exception {
        String[] command = goroutines();
        sameStartAndMain(byGraft(EXHAUSTIVE, command), byStrace(command));
    }

    private String[] goroutines() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("goroutines.go"), GOROUTINE);
        Path program = folder.resolve("goroutines");
        Path tree = Files.createDirectory(folder.resolve("tree"));
        compile(List.of("go", "build", "-o", program.toString(), source.toString()));
        // It asks how the first three files were opened, which others that have them can change.
        return new String[] {
            "/bin/sh", "-c", "exec \"$0\" \"$1\" </dev/null >/dev/null 2>&1", program.toString(), tree.toString()
        };
    }

    private static void sameStartAndMain(Map<String, List<String>> seen, Map<String, List<String>> expected) {
        assertThat(start(expected.get("0"))).hasSizeGreaterThan(100);
        assertSame("start", start(seen.get("0")), start(expected.get("0")));
        assertThat(goroutine(expected.get("0")))
                .filteredOn(line -> line.startsWith("accept4("))
                .hasSize(1);
        assertSame("main", goroutine(seen.get("0")), goroutine(expected.get("0")));
    }

    private static int indexOf(String beginning, List<String> lines) {
        int index = 0;
        while (index < lines.size() && !lines.get(index).startsWith(beginning)) {
            index++;
        }
        return index;
    }

    private static List<String> start(List<String> lines) {
        return lines.subList(0, indexOf("clone(", lines)).stream()
                .map(StartedSyscallsTest::withoutInherited)
                .toList();
    }

    /** The first signals behind SIGSYS, which {@code env} cannot change. */
    private static String withoutInherited(String line) {
        return line.replaceFirst("^(rt_sigaction\\(SIGRT\\w+, NULL, ).*", "$1INHERITED");
    }

    /** Whether something is there already when a goroutine first looks is up to the time. */
    private static List<String> goroutine(List<String> lines) {
        return lines.stream()
                .filter(line -> !SCHEDULER.contains(line.substring(0, line.indexOf('('))))
                .filter(line -> !line.contains(" = -1 EAGAIN "))
                .map(line -> line.replaceAll("u32=\\d+, u64=\\d+", "ADDRESS"))
                .map(StartedSyscallsTest::withoutInherited)
                .toList();
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
        Map<String, List<String>> seen =
                withoutAllocations(byGraft(IN_PLACE, python(), "-S", "-E", "-B", script.toString()));
        assertSame(3, seen, expected);
    }

    /** A shake of hands whose bytes are new each time, and a server whose answers come when they come. */
    @Test
    void aTransferOverTlsIsSeenAsStraceSeesIt() throws IOException {
        String out = folder.resolve("page").toString();
        try (NginxServer nginx = NginxServer.start()) {
            String url = nginx.url(Body.HELLO).toString();
            sameLines(
                    1,
                    StartedSyscallsTest::transfer,
                    "curl",
                    "--disable",
                    "--silent",
                    "--insecure",
                    "--output",
                    out,
                    url);
        }
        assertThat(Path.of(out)).hasSize(Body.HELLO.size());
    }

    /**
     * How often curl looks whether something has come, and in how many pieces it does, is up to the time; before and after each
     * look it changes what SIGPIPE does. The length of a signature, and so of a record that is received, is not always
     * the same. What is encrypted, or a key for that, differs.
     */
    private static List<String> transfer(List<String> lines) {
        List<String> kept = new ArrayList<>();
        for (String line : lines) {
            if (line.startsWith("recvfrom(") && !line.endsWith(" = 0")) {
                if (!kept.getLast().equals(RECEIVED)) {
                    kept.add(RECEIVED);
                }
            } else if (!line.startsWith("poll(") && !line.startsWith("rt_sigaction(SIGPIPE, ")) {
                kept.add(line.replaceFirst("^(sendto\\(\\d+, \").*(\"\\.*, )", "$1ENCRYPTED$2")
                        .replaceFirst("(^getsockname\\(.*sin_port=htons\\()\\d+", "$1PORT"));
            }
        }
        return kept;
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
        compile(command);
        return program;
    }

    private static void compile(List<String> command) throws IOException, InterruptedException {
        ProcessBuilder compiler = new ProcessBuilder(command).inheritIO();
        compiler.environment()
                .put("GOCACHE", Path.of("target", "go-cache").toAbsolutePath().toString());
        compiler.environment().put("CGO_ENABLED", "0");
        assertThat(compiler.start().waitFor()).isZero();
    }

    private void sameLines(int threads, String... command) throws IOException {
        sameLines(threads, UnaryOperator.identity(), command);
    }

    /** With what {@code kept} makes of the lines of each thread. */
    private void sameLines(int threads, UnaryOperator<List<String>> kept, String... command) throws IOException {
        Map<String, List<String>> expected = byStrace(command);
        Map<String, List<String>> seen = byGraft(IN_PLACE, command);
        expected.replaceAll((_, lines) -> kept.apply(lines));
        seen.replaceAll((_, lines) -> kept.apply(lines));
        assertSame(threads, seen, expected);
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
        Process strace = new ProcessBuilder(words)
                .redirectInput(ProcessBuilder.Redirect.INHERIT) // what graft's child has too
                .redirectErrorStream(true)
                .start();
        strace.inputReader().lines().forEach(_ -> {});
        Map<String, List<String>> lines = comparable(CallLines.ofAnyRun(CallLines.strace(traces, "of.")));
        lines.computeIfPresent("0", (_, first) -> first.subList(1, first.size()));
        return lines;
    }

    private Map<String, List<String>> byGraft(List<String> how, String... command) throws IOException {
        Path calls = folder.resolve("calls.txt");
        List<String> words = new ArrayList<>(List.of("syscalls", "-f", "-w", calls.toString()));
        words.addAll(how);
        words.add("--");
        words.addAll(List.of(command));
        GraftRun run = GraftRun.of(words.toArray(String[]::new));
        assertThat(run.errors()).contains(" 0 lost");
        assertThat(run.errors().lines()).noneMatch(line -> line.startsWith("left out"));
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

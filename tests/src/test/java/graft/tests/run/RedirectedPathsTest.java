package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls with a path are made with another one, and nothing else of the process is other than before. */
@Tag("slow")
class RedirectedPathsTest {
    private static final String UNTOUCHED = "a some b none others 0 changed 0";
    private static final String REDIRECTED = "a none b some others 0 changed 0";

    @TempDir
    private Path folder;

    private Path asked;
    private Path other;

    @BeforeEach
    void twoFiles() throws IOException {
        asked = Files.writeString(folder.resolve("asked"), "a");
        other = Files.writeString(folder.resolve("other"), "b");
    }

    private Path policy(String name) throws IOException {
        return Files.writeString(folder.resolve("policy.yaml"), """
                name: %s
                rules:
                  - {name: elsewhere, calls: "%%file", path: "%s", redirect: "%s"}
                """.formatted(name, asked, other));
    }

    private static GraftProcess apply(Path policy, String pid) {
        GraftProcess graft =
                GraftProcess.start("policy", "apply", policy.toString(), "-p", pid, "--mode", "enforce", "--yes");
        graft.awaitLine("applied");
        return graft;
    }

    private static void mode(String mode, String policy) {
        GraftRun run = GraftRun.of("policy", "mode", mode, policy);
        assertThat(run.status()).as(run.errors()).isZero();
    }

    /** Threads, handlers of signals and children that have their parent's memory, all at the same time. */
    @Test
    void registersAndMemoryAreWhatTheyWere() throws IOException {
        String name = "redirected-" + ProcessHandle.current().pid();
        try (AskedProgram program =
                AskedProgram.start(AskedProgram.compile(folder, "redirected", "-lpthread"), asked.toString())) {
            assertThat(program.answer("go")).isEqualTo(UNTOUCHED);
            try (GraftProcess graft = apply(policy(name), program.pid())) {
                assertThat(program.answer("go")).isEqualTo(REDIRECTED);
                mode("monitor", name);
                assertThat(program.answer("go")).isEqualTo(UNTOUCHED);
                mode("off", name);
                assertThat(program.answer("go")).isEqualTo(UNTOUCHED);
                GraftRun run = graft.interrupt();

                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.errors()).contains("text equals the files, nothing left behind");
            }
            assertThat(program.answer("go")).isEqualTo(UNTOUCHED);
        }
    }

    @Test
    void nobodyInTheProcessCanWriteThePaths() throws IOException {
        try (AskedProgram program =
                        AskedProgram.start(AskedProgram.compile(folder, "redirected", "-lpthread"), asked.toString());
                GraftProcess graft = apply(policy("unwritable"), program.pid())) {
            assertThat(Files.readAllLines(Path.of("/proc", program.pid(), "maps")))
                    .filteredOn(line -> line.contains("rule_targets"))
                    .isNotEmpty()
                    .allSatisfy(line -> assertThat(line).contains(" r--s "));
            graft.interrupt();
        }
    }

    /** What a call may still read stays, and the call is what it would have been. */
    @Test
    void aThreadThatWaitsInARedirectedCallOutlivesTheDetach() throws Exception {
        Files.delete(other);
        assertThat(new ProcessBuilder("mkfifo", other.toString()).start().waitFor())
                .isZero();
        try (AskedProgram shell = AskedProgram.start(
                Path.of("busybox"), "sh", "-c", "while read f; do x=; read x 2>/dev/null < $f; echo \"<$x>\"; done")) {
            assertThat(shell.answer(asked.toString())).isEqualTo("<a>");
            try (GraftProcess graft = apply(policy("waiting"), shell.pid())) {
                CompletableFuture<String> answer = CompletableFuture.supplyAsync(
                        () -> shell.answer(asked.toString()),
                        Thread.ofPlatform().daemon()::start);
                while (!Files.readString(Path.of("/proc", shell.pid(), "syscall"))
                        .matches("(?s)(2|257) .*")) {
                    Thread.sleep(1);
                }
                GraftRun run = graft.interrupt();
                assertThat(run.errors()).contains("a thread may still return into it");
                Files.writeString(other, "late\n");
                assertThat(answer.join()).isEqualTo("<late>");
            }
            assertThat(shell.answer(asked.toString())).isEqualTo("<a>");
            GraftRun recovery = GraftRun.of("recover");
            assertThat(recovery.status()).as(recovery.errors()).isZero();
            assertThat(Files.readString(Path.of("/proc", shell.pid(), "maps"))).doesNotContain("graft");
        }
    }

    @Test
    void faultsRedirectAsWell() throws IOException {
        try (AskedProgram program =
                AskedProgram.start(AskedProgram.compile(folder, "redirected", "-lpthread"), asked.toString())) {
            String injection = "openat:redirect=%s:path=%s".formatted(other, asked);
            try (GraftProcess graft =
                    GraftProcess.start("syscalls", "-p", program.pid(), "-e", "openat", "--inject", injection)) {
                graft.awaitLine("tracing");
                assertThat(program.answer("go")).isEqualTo(REDIRECTED);
                GraftRun run = graft.interrupt();
                assertThat(run.output()).contains("openat(AT_FDCWD, \"");
            }
            assertThat(program.answer("go")).isEqualTo(UNTOUCHED);
        }
    }

    @Test
    void aServerWithThreadsServesTheOtherFile() throws Exception {
        Path script = folder.resolve("asking-server.py");
        try (InputStream in = RedirectedPathsTest.class.getResourceAsStream("asking-server.py")) {
            Files.write(script, in.readAllBytes());
        }
        // Its parent is a shell, which takes no notice of its stops.
        Process shell = new ProcessBuilder("sh", "-c", "python3 \"$0\"; exit", script.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (HttpClient client = HttpClient.newHttpClient()) {
            String[] words = shell.inputReader().readLine().split(" ");
            URI uri = URI.create("http://127.0.0.1:" + words[1] + "/content?"
                    + URLEncoder.encode(asked.toString(), StandardCharsets.UTF_8));
            HttpRequest request = HttpRequest.newBuilder(uri).build();
            HttpResponse.BodyHandler<String> text = HttpResponse.BodyHandlers.ofString();
            assertThat(client.send(request, text).body()).isEqualTo("a");
            try (GraftProcess graft = apply(policy("server"), words[0])) {
                assertThat(client.send(request, text).body()).isEqualTo("b");
                GraftRun run = graft.interrupt();
                assertThat(run.output()).contains("elsewhere").contains("redirect " + other);
            }
            assertThat(client.send(request, text).body()).isEqualTo("a");
        } finally {
            shell.descendants().forEach(ProcessHandle::destroy);
            shell.onExit().join();
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A policy for a live Python server with threads: what it is denied it gets as its own errors, and nothing else. */
@Tag("slow")
class PolicyTest {
    private static final String ALLOWED = "0 0 0 0";

    @TempDir
    private Path folder;

    private final HttpClient client = HttpClient.newHttpClient();

    private String answer(String port, String what, String argument) throws IOException, InterruptedException {
        URI uri = URI.create(
                "http://127.0.0.1:" + port + "/" + what + "?" + URLEncoder.encode(argument, StandardCharsets.UTF_8));
        return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static ServerSocket listener() throws IOException {
        return new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    private static void mode(String mode, String policy) {
        GraftRun run = GraftRun.of("policy", "mode", mode, policy);
        assertThat(run.status()).as(run.errors()).isZero();
    }

    private Path script() throws IOException {
        Path script = folder.resolve("asking-server.py");
        try (InputStream in = PolicyTest.class.getResourceAsStream("asking-server.py")) {
            Files.write(script, in.readAllBytes());
        }
        return script;
    }

    @Test
    void aServerSeesTheErrorsOfItsPolicyUntilItIsSwitchedOff() throws Exception {
        Path deep = folder.resolve("secret" + "-and-long".repeat(12)); // more than the program reads at once
        Path secret = Files.writeString(Files.createDirectory(deep).resolve("a"), "a");
        Path open = Files.writeString(folder.resolve("secretive"), "b");
        String name = "python-" + ProcessHandle.current().pid();
        // Its parent is a shell, which takes no notice of its stops.
        Process shell = new ProcessBuilder("sh", "-c", "python3 \"$0\"; exit", script().toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (ServerSocket denied = listener();
                ServerSocket free = listener()) {
            Path policy = Files.writeString(
                    folder.resolve("policy.yaml"), """
                    name: %s
                    rules:
                      - {name: folder, calls: "%%file", path: "%s/", deny: EACCES}
                      - {name: port, calls: "%%net", port: %d, deny: ECONNREFUSED}
                    """.formatted(name, secret.getParent(), denied.getLocalPort()));
            String[] words = shell.inputReader().readLine().split(" ");
            String port = words[1];
            String[][] questions = {
                {"open", secret.toString()},
                {"open", open.toString()},
                {"connect", Integer.toString(denied.getLocalPort())},
                {"connect", Integer.toString(free.getLocalPort())}
            };
            assertThat(answers(port, questions)).isEqualTo(ALLOWED);
            try (GraftProcess graft = GraftProcess.start(
                    "policy", "apply", policy.toString(), "-p", words[0], "--mode", "enforce", "--yes")) {
                graft.awaitLine("applied");
                assertThat(answers(port, questions)).isEqualTo("13 0 111 0");
                mode("monitor", name);
                assertThat(answers(port, questions)).isEqualTo(ALLOWED);
                mode("off", name);
                assertThat(answers(port, questions)).isEqualTo(ALLOWED);
                GraftRun list = GraftRun.of("policy", "list");
                assertThat(list.output()).contains(name).contains("folder").contains("off");
                GraftRun run = graft.interrupt();

                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.output().lines().map(line -> line.replaceAll(" +", " ")))
                        .containsExactly(
                                "RULE ACTION MATCHED WOULD DENY DENIED",
                                "folder deny EACCES 2 1 1",
                                "port deny ECONNREFUSED 2 1 1");
                assertThat(run.errors()).contains("text equals the files, nothing left behind");
            }
            assertThat(answers(port, questions)).isEqualTo(ALLOWED);
        } finally {
            shell.descendants().forEach(ProcessHandle::destroy);
            shell.onExit().join();
            client.close();
        }
    }

    private String answers(String port, String[][] questions) throws IOException, InterruptedException {
        StringBuilder answers = new StringBuilder();
        for (String[] question : questions) {
            answers.append(answer(port, question[0], question[1])).append(' ');
        }
        return answers.toString().strip();
    }

    @Test
    void aStaticProgramIsDeniedWhatTheDefaultDeniesAndKilledByItsRule() throws Exception {
        Path free = Files.writeString(folder.resolve("free"), "x\n");
        Path other = Files.writeString(folder.resolve("other"), "x\n");
        Path deadly = Files.writeString(folder.resolve("deadly"), "x\n");
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                name: static
                default: {deny: EPERM}
                rules:
                  - {name: free, calls: "%%file", path: [%s, /dev/null], action: allow}
                  - {name: deadly, calls: "%%file", path: %s, action: kill}
                """.formatted(free, deadly));
        try (AskedProgram shell = AskedProgram.start(
                Path.of("busybox"),
                "sh",
                "-c",
                "while read f; do if read x 2>/dev/null < $f; then echo yes; else echo no; fi; done")) {
            try (GraftProcess graft = GraftProcess.start(
                    "policy", "apply", policy.toString(), "-p", shell.pid(), "--mode", "enforce", "--yes")) {
                graft.awaitLine("applied");
                assertThat(shell.answer(free.toString())).isEqualTo("yes");
                assertThat(shell.answer(other.toString())).isEqualTo("no");
                shell.answer(deadly.toString());
                GraftRun run = graft.end(); // its only process has been killed
                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.output()).contains("deadly: ").contains("  kill\n");
                assertThat(ProcessHandle.of(Long.parseLong(shell.pid())).filter(ProcessHandle::isAlive))
                        .isEmpty();
            }
        }
    }

    @Test
    void whatAFollowedShellExecutesIsRuledAsWell() throws Exception {
        Path secret = Files.writeString(folder.resolve("secret"), "told");
        Path policy = Files.writeString(folder.resolve("shell.yaml"), """
                rules:
                  - {calls: openat, path: "%s", deny: EACCES}
                """.formatted(secret));
        Path script = Files.writeString(
                folder.resolve("script.sh"),
                "echo $$; read go; cat %1$s; sh -c 'cat %1$s; :'; exec cat %1$s\n".formatted(secret));
        Process shell = new ProcessBuilder("sh", "-c", "sh \"$0\"; exit", script.toString())
                .redirectErrorStream(true)
                .start();
        String pid = shell.inputReader().readLine();
        try (GraftProcess graft = GraftProcess.start(
                "policy", "apply", policy.toString(), "-p", pid, "-f", "--mode", "enforce", "--yes")) {
            graft.awaitLine("applied");
            shell.outputWriter().write("go\n");
            shell.outputWriter().flush();
            assertThat(shell.inputReader().lines())
                    .hasSize(3)
                    .allSatisfy(line -> assertThat(line).endsWith("Permission denied"));
            GraftRun run = graft.end();

            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.output().lines().map(line -> line.replaceAll(" +", " ")))
                    .contains("rule 1 deny EACCES 3 0 3");
        }
    }
}

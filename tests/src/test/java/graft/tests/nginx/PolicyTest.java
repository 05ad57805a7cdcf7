package graft.tests.nginx;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A policy for a live nginx: one folder and one port, switched live, with exact counters and nothing else touched. */
@Tag("slow")
class PolicyTest {
    /** A jump, and what is left of the instructions that it displaces. */
    private static final int LONGEST_PATCH = 16;

    @TempDir
    private Path folder;

    private final HttpClient client = HttpClient.newHttpClient();
    private HttpServer one;
    private HttpServer other;

    @BeforeEach
    void startBackends() throws IOException {
        one = backend("one");
        other = backend("other");
    }

    @AfterEach
    void stopBackends() {
        one.stop(0);
        other.stop(0);
        client.close();
    }

    private static HttpServer backend(String answer) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, answer.length());
            exchange.getResponseBody().write(answer.getBytes());
            exchange.close();
        });
        server.start();
        return server;
    }

    /** What the server answers to: a secret file, a public one, one back end, the other. */
    private String answers(ProxyServer server) throws IOException, InterruptedException {
        StringBuilder answers = new StringBuilder();
        for (String path : new String[] {"/secret/plan.txt", "/public.txt", "/one", "/other"}) {
            HttpRequest request = HttpRequest.newBuilder(server.url(path)).build();
            answers.append(client.send(request, HttpResponse.BodyHandlers.discarding())
                            .statusCode())
                    .append(' ');
        }
        return answers.toString().strip();
    }

    private void mode(String mode, String policy) {
        GraftRun run = GraftRun.of("policy", "mode", mode, policy);
        assertThat(run.status()).as(run.errors()).isZero();
    }

    /** While rules are off all text is as it was, but for the jump to what looks after cancelled threads, in the C library. */
    private static void requireText(int worker, Map<String, byte[]> before) {
        Map<String, byte[]> now = WorkerState.bytesOfText(worker);
        before.forEach((mapping, bytes) -> assertThat(WorkerState.changed(bytes, now.get(mapping)))
                .as(mapping)
                .isLessThanOrEqualTo(mapping.contains("/libc.so.6") ? LONGEST_PATCH : 0));
    }

    @Test
    void exactlyTheRuledCallsAreDeniedWhileItIsEnforced() throws Exception {
        String name = "nginx-" + ProcessHandle.current().pid();
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                name: %s
                rules:
                  - name: secrets
                    calls: [open, openat]
                    path: %s/nginx/html/secret/
                    deny: EACCES
                  - name: back end
                    calls: connect
                    port: %d
                    address: 127.0.0.0/8
                    deny: ECONNREFUSED
                """.formatted(
                        name, folder, one.getAddress().getPort()));
        Path place = Files.createDirectory(folder.resolve("nginx"));
        try (ProxyServer server = ProxyServer.start(
                place, one.getAddress().getPort(), other.getAddress().getPort())) {
            String all = "200 200 200 200";
            String denied = "403 200 502 200";
            assertThat(answers(server)).isEqualTo(all);
            int worker = Integer.parseInt(server.workerPid());
            Map<String, byte[]> text = WorkerState.bytesOfText(worker);
            try (GraftProcess graft =
                    GraftProcess.start("policy", "apply", policy.toString(), "-p", server.workerPid())) {
                graft.awaitLine("applied");
                assertThat(answers(server)).as("monitor").isEqualTo(all);
                assertThat(answers(server)).as("monitor").isEqualTo(all);
                mode("enforce", name);
                for (int i = 0; i < 5; i++) {
                    assertThat(answers(server)).as("enforce").isEqualTo(denied);
                }
                mode("off", name);
                assertThat(answers(server)).as("off").isEqualTo(all);
                requireText(worker, text);
                mode("enforce", name);
                assertThat(answers(server)).as("enforce again").isEqualTo(denied);
                GraftRun run = graft.interrupt();

                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.output().lines().map(line -> line.replaceAll(" +", " ")))
                        .containsExactly(
                                "RULE ACTION MATCHED WOULD DENY DENIED",
                                "secrets deny EACCES 8 2 6",
                                "back end deny ECONNREFUSED 8 2 6");
                assertThat(run.errors()).contains("text equals the files, nothing left behind");
            }
            assertThat(answers(server)).isEqualTo(all);
            assertThat(server.errors())
                    .hasSize(12)
                    .allSatisfy(line -> assertThat(line)
                            .containsAnyOf(
                                    "secret/plan.txt\" failed (13: Permission denied)",
                                    "connect() to 127.0.0.1:" + one.getAddress().getPort()
                                            + " failed (111: Connection refused)"));
        }
    }

    private String body(ProxyServer server, String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(server.url(path)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    @Test
    void aRedirectedFileIsServedWhileItIsEnforced() throws Exception {
        Path html = folder.resolve("nginx/html");
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                rules:
                  - {name: plan, calls: "%%file", path: "%s/secret/**", redirect: "%s/public.txt"}
                """.formatted(html, html));
        Path place = Files.createDirectory(folder.resolve("nginx"));
        try (ProxyServer server = ProxyServer.start(
                place, one.getAddress().getPort(), other.getAddress().getPort())) {
            assertThat(body(server, "/secret/plan.txt")).isEqualTo("secret");
            try (GraftProcess graft = GraftProcess.start(
                    "policy", "apply", policy.toString(), "-p", server.workerPid(), "--mode", "enforce", "--yes")) {
                graft.awaitLine("applied");
                for (int i = 0; i < 5; i++) {
                    assertThat(body(server, "/secret/plan.txt")).isEqualTo("public");
                    assertThat(body(server, "/public.txt")).isEqualTo("public");
                }
                GraftRun run = graft.interrupt();
                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.errors()).contains("text equals the files, nothing left behind");
            }
            assertThat(body(server, "/secret/plan.txt")).isEqualTo("secret");
            assertThat(server.errors()).isEmpty();
        }
    }
}

package graft.tests.nginx;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** A real nginx with one worker that serves files and passes requests on to other servers. Closing ends it. */
final class ProxyServer implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String CONFIGURATION = """
            %s
            worker_processes 1;
            daemon off;
            pid nginx.pid;
            error_log error.log warn;
            events { worker_connections 64; }
            http {
              access_log off;
              client_body_temp_path body;
              proxy_temp_path proxy;
              fastcgi_temp_path fastcgi;
              uwsgi_temp_path uwsgi;
              scgi_temp_path scgi;
              server {
                listen 127.0.0.1:%d;
                root %s/html;
                location /one { proxy_pass http://127.0.0.1:%d/; }
                location /other { proxy_pass http://127.0.0.1:%d/; }
              }
            }
            """;

    private final Path folder;
    private final int port;
    private final Process master;

    private ProxyServer(Path folder, int port, Process master) {
        this.folder = folder;
        this.port = port;
        this.master = master;
    }

    /**
     * Starts it in an empty folder.
     *
     * @param one port that {@code /one} leads to
     * @param other port that {@code /other} leads to
     */
    static ProxyServer start(Path folder, int one, int other) {
        try {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.createDirectories(folder.resolve("html/secret"));
            Files.writeString(folder.resolve("html/public.txt"), "public");
            Files.writeString(folder.resolve("html/secret/plan.txt"), "secret");
            String user = "root".equals(System.getProperty("user.name")) ? "user root;" : "";
            int port = freePort();
            Path configuration = folder.resolve("nginx.conf");
            Files.writeString(configuration, CONFIGURATION.formatted(user, port, folder, one, other));
            Process master = new ProcessBuilder(List.of(
                            "nginx",
                            "-p",
                            folder.toString(),
                            "-e",
                            folder.resolve("error.log").toString(),
                            "-c",
                            configuration.toString()))
                    .inheritIO()
                    .start();
            ProxyServer server = new ProxyServer(folder, port, master);
            server.awaitReady();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitReady() {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (master.children().findAny().isEmpty() || !accepts()) {
            if (System.nanoTime() > end || !master.isAlive()) {
                close();
                throw new AssertionError("nginx did not start: " + errors());
            }
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
    }

    private boolean accepts() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException e) {
            return false; // not yet
        }
    }

    URI url(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    /** The process that answers. */
    String workerPid() {
        return Long.toString(master.children().findFirst().orElseThrow().pid());
    }

    /** The lines of the error log. */
    List<String> errors() {
        try {
            Path log = folder.resolve("error.log");
            return Files.exists(log) ? Files.readAllLines(log, StandardCharsets.ISO_8859_1) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        List<ProcessHandle> workers = master.children().toList();
        master.destroy();
        master.onExit().join();
        workers.forEach(worker -> worker.onExit().join());
    }
}

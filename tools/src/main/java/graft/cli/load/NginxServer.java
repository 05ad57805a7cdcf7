package graft.cli.load;

import graft.cli.error.Problem;
import graft.platform.linux.Signals;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A real nginx: a master and two workers (as {@code www-data} when started by root), HTTPS with a self-signed
 * certificate on a loopback port. It detaches from this JVM, so the workers' parent is their master and the master's
 * parent is not this process: nothing here reaps them or takes their stops. Closing ends it and removes its folder.
 */
public final class NginxServer implements AutoCloseable {
    private static final int WORKERS = 2;
    private static final int PORT_ATTEMPTS = 5;
    private static final Duration START_LIMIT = Duration.ofSeconds(10);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

    private final NginxFolder folder;
    private final int port;
    private final ProcessHandle master;
    private final int errorsAtStart;

    private NginxServer(NginxFolder folder, int port, ProcessHandle master) {
        this.folder = folder;
        this.port = port;
        this.master = master;
        this.errorsAtStart = folder.errors().length();
    }

    /** Starts one and waits until it accepts connections and both workers run. */
    public static NginxServer start() {
        return start(Map.of());
    }

    /** The same with more in its environment. */
    public static NginxServer start(Map<String, String> environment) {
        requireTls();
        NginxFolder folder = NginxFolder.create();
        String output = "";
        for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
            int port = freePort();
            folder.configure(port);
            ToolRun run = ToolRun.of(
                    START_LIMIT,
                    "nginx",
                    List.of(
                            "-p",
                            folder.path().toString(),
                            "-e",
                            folder.errorLog().toString(),
                            "-c",
                            folder.configuration().toString()),
                    environment);
            if (run.status() == 0) {
                return started(folder, port);
            }
            output = run.output().strip();
            if (!output.contains("Address already in use")) {
                break;
            }
        }
        folder.delete();
        throw Problem.of("D013", "nginx did not start")
                .because(output.lines().reduce((_, last) -> last).orElse("it gave no reason"))
                .failure();
    }

    private static void requireTls() {
        String version = ToolRun.of(START_LIMIT, "nginx", List.of("-V")).output();
        if (!version.contains("--with-http_ssl_module")) {
            throw Problem.of("D012", "the nginx installed here was built without TLS")
                    .because("nginx -V does not list --with-http_ssl_module")
                    .remedy("install the package nginx")
                    .failure();
        }
    }

    private static NginxServer started(NginxFolder folder, int port) {
        boolean ready = await(
                START_LIMIT,
                () -> master(folder)
                        .filter(process -> process.children().count() == WORKERS && accepts(port))
                        .isPresent());
        Optional<ProcessHandle> master = master(folder);
        if (ready && master.isPresent()) {
            return new NginxServer(folder, port, master.get());
        }
        String errors = folder.errors().strip();
        master.ifPresent(process -> Signals.kill(Math.toIntExact(process.pid()), Signals.SIGTERM));
        folder.delete();
        throw Problem.of("D013", "nginx did not answer on port " + port)
                .because(errors.isEmpty() ? "its error log is empty" : errors)
                .failure();
    }

    private static Optional<ProcessHandle> master(NginxFolder folder) {
        try {
            String pid = Files.exists(folder.pidFile())
                    ? Files.readString(folder.pidFile()).strip()
                    : "";
            return pid.isEmpty() ? Optional.empty() : ProcessHandle.of(Long.parseLong(pid));
        } catch (IOException e) {
            throw new UncheckedIOException("reading the test server's pid file", e);
        }
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException("looking for a free loopback port", e);
        }
    }

    private static boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException e) {
            return false; // not yet
        }
    }

    private static boolean await(Duration limit, BooleanSupplier condition) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
        return true;
    }

    public int port() {
        return port;
    }

    /** Where a body is served. */
    public URI url(Body body) {
        return URI.create("https://127.0.0.1:" + port + "/" + body.file());
    }

    public int masterPid() {
        return Math.toIntExact(master.pid());
    }

    /** The workers that run now, smallest id first. */
    public List<Integer> workerPids() {
        return master.children()
                .map(worker -> Math.toIntExact(worker.pid()))
                .sorted()
                .toList();
    }

    /** The lines that the error log gained since the server was ready; empty when all is well. */
    public List<String> errorsSinceStart() {
        return folder.errors().substring(errorsAtStart).lines().toList();
    }

    /** Asks the server to finish the requests under way and end; kills it when it does not within ten seconds. */
    @Override
    public void close() {
        List<ProcessHandle> processes =
                Stream.concat(Stream.of(master), master.children()).toList();
        if (master.isAlive()) {
            Signals.kill(masterPid(), Signals.SIGQUIT);
            if (!await(STOP_LIMIT, () -> processes.stream().noneMatch(ProcessHandle::isAlive))) {
                processes.forEach(ProcessHandle::destroyForcibly);
            }
        }
        folder.delete();
    }
}

package graft.cli.load;

import graft.cli.error.Problem;
import graft.platform.linux.Signals;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/**
 * Requests by wrk on kept-alive connections. {@link #run} waits for the end; {@link #start} gives a load in the
 * background that {@link #stop} or {@link #close} ends, and that ends by itself after its limit.
 */
public final class WrkLoad implements AutoCloseable {
    private static final Pattern REQUESTS = Pattern.compile("(?m)^\\s*(\\d+) requests in ");
    private static final Pattern PER_SECOND = Pattern.compile("(?m)^Requests/sec:\\s*([0-9.]+)");
    private static final Pattern BAD_STATUS = Pattern.compile("(?m)^\\s*Non-2xx or 3xx responses: (\\d+)");
    private static final Pattern SOCKET_ERRORS =
            Pattern.compile("Socket errors: connect (\\d+), read (\\d+), write (\\d+), timeout (\\d+)");
    private static final Duration END_LIMIT = Duration.ofSeconds(15);

    private final Process process;
    private final Path output;
    private final Path script;

    private WrkLoad(Process process, Path output, Path script) {
        this.process = process;
        this.output = output;
        this.script = script;
    }

    /**
     * How hard to load.
     *
     * @param threads wrk's threads
     * @param connections kept-alive connections
     * @param pause between an answer and the connection's next request; zero for as fast as possible
     * @param limit when the load ends by itself
     */
    public record Shape(int threads, int connections, Duration pause, Duration limit) {
        /** As fast as possible. */
        public static Shape full(int threads, int connections, Duration limit) {
            return new Shape(threads, connections, Duration.ZERO, limit);
        }

        /** A steady trickle: each connection asks, gets its answer and pauses. */
        public static Shape steady(int connections, Duration pause, Duration limit) {
            return new Shape(1, connections, pause, limit);
        }
    }

    /** Loads {@code url} until the shape's limit and returns what was counted. */
    public static LoadResult run(URI url, Shape shape) {
        try (WrkLoad load = start(url, shape)) {
            return load.await(shape.limit().plus(END_LIMIT));
        }
    }

    /** Starts a load in the background. */
    public static WrkLoad start(URI url, Shape shape) {
        Path output = ToolRun.temporaryFile("wrk");
        Path script = ToolRun.temporaryFile("wrk-script");
        try {
            Files.writeString(
                    script,
                    shape.pause().isZero()
                            ? ""
                            : "function delay() return %d end%n"
                                    .formatted(shape.pause().toMillis()));
        } catch (IOException e) {
            throw new UncheckedIOException("writing a script for wrk", e);
        }
        List<String> arguments = List.of(
                "-t" + shape.threads(),
                "-c" + shape.connections(),
                "-d" + Math.max(1, shape.limit().toSeconds()) + "s",
                "-s",
                script.toString(),
                url.toString());
        return new WrkLoad(ToolRun.start(output, "wrk", arguments), output, script);
    }

    public int pid() {
        return Math.toIntExact(process.pid());
    }

    /** Ends the load as the interrupt key does and returns what was counted until now. */
    public LoadResult stop() {
        if (process.isAlive()) {
            Signals.kill(pid(), Signals.SIGINT);
        }
        return await(END_LIMIT);
    }

    private LoadResult await(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException("wrk did not end within %d s".formatted(limit.toSeconds()));
            }
            return parse(Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException("waiting for wrk", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while wrk ran", e);
        }
    }

    /** Reads wrk's report. */
    static LoadResult parse(String report) {
        Matcher requests = REQUESTS.matcher(report);
        Matcher perSecond = PER_SECOND.matcher(report);
        if (!requests.find() || !perSecond.find()) {
            throw Problem.of("D013", "wrk gave no result")
                    .because(report.isBlank() ? "it wrote nothing" : report.strip())
                    .failure();
        }
        Matcher bad = BAD_STATUS.matcher(report);
        Matcher errors = SOCKET_ERRORS.matcher(report);
        return new LoadResult(
                Long.parseLong(requests.group(1)),
                Double.parseDouble(perSecond.group(1).toLowerCase(Locale.ROOT)),
                bad.find() ? Long.parseLong(bad.group(1)) : 0,
                errors.find()
                        ? LongStream.rangeClosed(1, 4)
                                .map(i -> Long.parseLong(errors.group((int) i)))
                                .sum()
                        : 0);
    }

    /** Ends the load if it still runs. */
    @Override
    public void close() {
        process.destroyForcibly();
        ToolRun.delete(output);
        ToolRun.delete(script);
    }
}

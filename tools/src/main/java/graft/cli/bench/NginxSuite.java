package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.load.Body;
import graft.cli.load.CurlLoad;
import graft.cli.load.LoadResult;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import graft.cli.tls.TlsTally;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What tools cost a loaded nginx, full capture of TLS traffic or counting of system calls: requests per second untraced,
 * with the kernel's probes and with graft, for bodies of different size. One load goes on for all windows of a body, interleaved. The same
 * program runs in both, and the same reader takes every record. Whether all traffic is captured is checked before, with an
 * exact number of requests and under full load.
 */
public final class NginxSuite {
    private static final int EXACT_REQUESTS = 200;
    /** One for each worker, so that no processor is left with a part of the load that the others cannot take over. */
    private static final int LOAD_THREADS = 2;
    /** Enough that the kernel spreads them evenly over the workers, in every run anew. */
    private static final int CONNECTIONS = 64;

    /** A load of its own, whose events are counted one by one. */
    private static final Duration WHOLE = Duration.ofSeconds(2);

    /** More than attaching and detaching takes. */
    private static final Duration COMING_AND_GOING = Duration.ofSeconds(3);

    private static final Duration SWITCHING = Duration.ofMillis(50);

    private static final BiConsumer<ServedLoad, NginxSeries> NOTHING_MORE = (_, _) -> {};

    private final SessionRunner sessions;
    private final Effort effort;

    /**
     * How much to measure.
     *
     * @param bodies what is asked for
     * @param tools what it is traced by, each measured by itself
     * @param rounds windows of the kernel, and a third of those of graft, for each body
     * @param window how long a window is
     * @param depth how much of a record the reader reads
     */
    public record Effort(List<Body> bodies, List<NginxTool> tools, int rounds, Duration window, TlsTally.Depth depth) {}

    public NginxSuite(SessionRunner sessions, Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** Measures all bodies. */
    public List<NginxRow> run() {
        try (CopyFloor floor = CopyFloor.create();
                NginxServer server = NginxServer.start(floor.environment())) {
            List<NginxRow> rows = new ArrayList<>();
            for (Body body : effort.bodies()) {
                effort.tools().forEach(tool -> rows.addAll(measure(server, floor, tool, body)));
            }
            if (!server.errorsSinceStart().isEmpty()) {
                throw Problem.of("B001", "nginx's error log gained lines while it was traced")
                        .because(server.errorsSinceStart().getFirst())
                        .failure();
            }
            return rows;
        }
    }

    private List<NginxRow> measure(NginxServer server, CopyFloor floor, NginxTool tool, Body body) {
        URI url = server.url(body);
        List<Integer> workers = server.workerPids();
        return switch (tool) {
            case TLS -> {
                NginxTracing tracing = new NginxTracing(sessions, workers, effort.depth());
                long responseBytes = exactCapture(tracing, url);
                requireAccountedFor(tracing, url, responseBytes);
                requireCopied(floor, url, responseBytes);
                yield measure(
                                tracing,
                                url,
                                (load, series) -> Stream.of(CopyFloor.To.values())
                                        .forEach(to -> tracing.floor(floor, to, load, series)))
                        .rows(body.file());
            }
            case SYSCOUNT ->
                measure(new CallTracing(sessions, PackagedProgram.SYSCOUNT, "calls", workers), url, NOTHING_MORE)
                        .rows(body.file() + " " + tool.word());
            case OPENSNOOP ->
                measure(new CallTracing(sessions, PackagedProgram.OPENSNOOP, "files", workers), url, NOTHING_MORE)
                        .rows(body.file() + " " + tool.word());
        };
    }

    /**
     * Both tracers see every read and write of an exact number of requests, with the same bytes.
     *
     * @return the bytes of one response
     */
    private static long exactCapture(NginxTracing tracing, URI url) {
        Supplier<LoadResult> load = () -> CurlLoad.run(url, EXACT_REQUESTS, CurlLoad.Connections.ONE_FOR_ALL);
        CapturedRound kernel = tracing.capturedInKernel(load);
        CapturedRound graft = tracing.capturedHere(load);
        boolean complete = kernel.round().lost() == 0
                && graft.round().lost() == 0
                && graft.totals().reads() == EXACT_REQUESTS;
        if (!complete || !kernel.totals().equals(graft.totals())) {
            throw Problem.of("B001", "the tracers saw different traffic of " + EXACT_REQUESTS + " requests")
                    .because("kernel: " + kernel.totals() + ", lost "
                            + kernel.round().lost())
                    .because("graft: " + graft.totals() + ", lost "
                            + graft.round().lost())
                    .failure();
        }
        return graft.totals().writtenBytes() / EXACT_REQUESTS;
    }

    private NginxSeries measure(LoadTracing tracing, URI url, BiConsumer<ServedLoad, NginxSeries> more) {
        List<Integer> workers = tracing.workers();
        // The server's caches and the compiled code of the reader are warm from here on.
        tracing.kernel(() -> whole(url));
        tracing.graft(() -> whole(url));
        long before = ServedLoad.written(workers);
        long requests = tracing.untraced(() -> whole(url)).load().requests();
        double bytesPerRequest = (double) (ServedLoad.written(workers) - before) / Math.max(1, requests);
        WrkLoad.Shape shape = WrkLoad.Shape.full(LOAD_THREADS, CONNECTIONS, limit());
        try (ServedLoad load = new ServedLoad(workers, url, shape, effort.window(), bytesPerRequest)) {
            return windows(tracing, load, more);
        }
    }

    private NginxSeries windows(LoadTracing tracing, ServedLoad load, BiConsumer<ServedLoad, NginxSeries> more) {
        tracing.untraced(load::window);
        NginxSeries series = new NginxSeries(tracing.untraced(load::window));
        for (int round = 0; round < effort.rounds(); round++) {
            NginxRound kernel = tracing.kernel(load::window);
            series.kernel(kernel, tracing.untraced(load::window));
            tracing.graft(load, series);
            more.accept(load, series);
        }
        series.failed(load.failed());
        return series;
    }

    /** When the load ends by itself, should nobody end it. */
    private Duration limit() {
        Duration kernel = effort.window().multipliedBy(2);
        Duration others =
                effort.window().dividedBy(LoadTracing.PARTS).plus(SWITCHING).multipliedBy(2L * LoadTracing.WINDOWS);
        Duration round = kernel.plus(others.multipliedBy(1L + CopyFloor.To.values().length))
                .plus(COMING_AND_GOING);
        return round.multipliedBy(effort.rounds() + 2L);
    }

    private static LoadResult whole(URI url) {
        return WrkLoad.run(url, WrkLoad.Shape.full(LOAD_THREADS, CONNECTIONS, WHOLE));
    }

    /** What copies less than all would be no floor. */
    private static void requireCopied(CopyFloor floor, URI url, long responseBytes) {
        long before = floor.bytes();
        floor.on(CopyFloor.To.RING);
        long requests = whole(url).requests();
        floor.off();
        if (floor.bytes() - before < requests * responseBytes) {
            throw Problem.of("B001", "bodies were moved and not copied")
                    .because("copied: " + (floor.bytes() - before) + " bytes of " + requests + " requests")
                    .failure();
        }
    }

    /** A tracer that misses events would be fast. */
    private static void requireAccountedFor(NginxTracing tracing, URI url, long responseBytes) {
        CapturedRound captured = tracing.capturedHere(() -> whole(url));
        if (captured.round().lost() == 0 && !captured.isComplete(CONNECTIONS, responseBytes)) {
            throw Problem.of("B001", "events are missing and were not counted as lost")
                    .because(captured.toString())
                    .failure();
        }
    }
}

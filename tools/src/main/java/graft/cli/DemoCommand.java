package graft.cli;

import graft.attach.DetachProof;
import graft.cli.error.ExitCode;
import graft.cli.load.Body;
import graft.cli.load.LoadResult;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import graft.cli.option.HelpOptions;
import graft.cli.option.TargetOptions;
import graft.cli.output.Log2Histogram;
import graft.cli.output.Quantity;
import graft.cli.output.WallClock;
import graft.cli.tls.TlsEvent;
import graft.cli.tls.TlsPrinter;
import graft.ebpf.maps.RingBuffer;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft demo}: a real nginx under load, traced live, and proof that nothing is left behind. */
@Command(
        name = "demo",
        description = "Traces a real nginx under load: decrypted traffic, latencies, and the proof of the undo.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft demo", "  graft demo -d 10s", "  graft demo --help"})
final class DemoCommand implements Callable<Integer> {
    private static final String FUNCTION = "nginx:ngx_http_process_request";
    private static final Duration LOAD_LIMIT = Duration.ofMinutes(5);
    private static final Duration PAUSE = Duration.ofMillis(50);
    private static final int CONNECTIONS = 8;
    private static final int IN_FULL = 2;
    private static final int SHOWN = 10;
    private static final int BATCH = 256;

    @Option(
            names = {"-d", "--for"},
            paramLabel = "TIME",
            defaultValue = "2s",
            description = "how long each of the two parts traces (default ${DEFAULT-VALUE})")
    private String time;

    @Mixin
    private HelpOptions console;

    private PrintWriter out;

    @Override
    public Integer call() {
        out = console.out();
        Duration part = TargetOptions.parse(time);
        try (NginxServer server = NginxServer.start();
                WrkLoad load = WrkLoad.start(
                        server.url(Body.HELLO), WrkLoad.Shape.steady(CONNECTIONS, Duration.ofMillis(10), LOAD_LIMIT))) {
            List<Integer> workers = server.workerPids();
            say("nginx runs: master %d, workers %s, %s, under steady load"
                    .formatted(server.masterPid(), words(workers), server.url(Body.HELLO)));
            boolean seen = traffic(workers, part);
            boolean timed = latency(workers, part);
            LoadResult result = load.stop();
            List<String> errors = server.errorsSinceStart();
            say("");
            say("the load meanwhile: %s requests, %s failed; lines gained by nginx's error log: %d"
                    .formatted(
                            Quantity.count(result.requests()),
                            Quantity.count(result.badStatus() + result.socketErrors()),
                            errors.size()));
            errors.forEach(line -> say("  " + line));
            boolean unnoticed =
                    result.isClean() && errors.isEmpty() && server.workerPids().equals(workers);
            return (seen && timed && unnoticed ? ExitCode.FINE : ExitCode.TARGET_SAID_SO).status();
        }
    }

    /** Prints the first requests and responses of both workers; false when none came. */
    private boolean traffic(List<Integer> workers, Duration part) {
        say("");
        long began = System.nanoTime();
        try (LiveSession live = LiveSession.open(TlsCommand.request(workers))) {
            say("decrypted traffic, %d probes in %d workers, attached in %s:"
                    .formatted(
                            live.session().points().size(),
                            workers.size(),
                            Quantity.nanoseconds(System.nanoTime() - began)));
            Traffic traffic = new Traffic();
            RingBuffer events = TlsCommand.events(live);
            long deadline = System.nanoTime() + part.toNanos();
            while (live.goesOn() && System.nanoTime() < deadline) {
                if (events.drain(bytes -> TlsEvent.decode(bytes).ifPresent(traffic::show), BATCH) == 0) {
                    events.await(PAUSE);
                }
            }
            List<DetachProof> proofs = live.detach();
            while (events.drain(bytes -> TlsEvent.decode(bytes).ifPresent(traffic::show), BATCH) > 0) {
                out.flush();
            }
            say("  %s reads and writes in all, %s lost"
                    .formatted(
                            Quantity.count(traffic.count),
                            Quantity.count(events.losses().total())));
            prove(workers, proofs);
            return traffic.count > 0;
        }
    }

    /** Shows the first events in full, some more in brief, and counts the rest. */
    private final class Traffic {
        private final WallClock clock = WallClock.ofThisMachine();
        private final TlsPrinter full = new TlsPrinter(TlsPrinter.Style.TEXT, clock);
        private final TlsPrinter brief = new TlsPrinter(TlsPrinter.Style.BRIEF, clock);
        private long count;

        private void show(TlsEvent event) {
            if (count < SHOWN) {
                (count < IN_FULL ? full : brief).lines(event).forEach(line -> say("  " + line));
            }
            count++;
        }
    }

    /** Prints the histogram of nginx's request handling; false when no call was seen. */
    private boolean latency(List<Integer> workers, Duration part) {
        say("");
        try (LiveSession live = LiveSession.open(LatencyCommand.request(ProbeText.parse(FUNCTION), workers))) {
            say("latency of " + FUNCTION + ":");
            live.await(Optional.of(part));
            List<DetachProof> proofs = live.detach();
            Log2Histogram histogram = new Log2Histogram(
                    "ns",
                    Arrays.stream(MapReporter.longs(MapReporter.array(live.session(), "histogram")))
                            .boxed()
                            .toList());
            histogram.lines().forEach(line -> say("  " + line));
            prove(workers, proofs);
            return histogram.count() > 0;
        }
    }

    private void prove(List<Integer> workers, List<DetachProof> proofs) {
        say("undone:");
        for (int i = 0; i < proofs.size(); i++) {
            DetachProof proof = proofs.get(i);
            long equal =
                    proof.pages().stream().filter(DetachProof.Page::matchesFile).count();
            say("  worker %d: %d/%d sites restored; %d/%d touched pages have the file's SHA-256; stopped %s"
                    .formatted(
                            workers.get(i),
                            proof.restored(),
                            proof.sites(),
                            equal,
                            proof.pages().size(),
                            Quantity.nanoseconds(proof.timing().stopNanos())));
            say("    threads %s, descriptors %s, mappings %s"
                    .formatted(
                            change(proof.before().threads(), proof.after().threads()),
                            change(proof.before().descriptors(), proof.after().descriptors()),
                            change(proof.before().mappings(), proof.after().mappings())));
            proof.quarantined()
                    .forEach(left -> say("    left until a thread has returned: %s at %s (%s)"
                            .formatted(Quantity.bytes(left.size()), left.address(), left.reason())));
        }
    }

    private static String change(int before, int after) {
        return before == after ? before + " as before" : before + " before, " + after + " now";
    }

    private static String words(List<Integer> pids) {
        return pids.stream().map(String::valueOf).collect(Collectors.joining(" and "));
    }

    private void say(String line) {
        out.println(line);
        out.flush();
    }
}

package graft.cli.bench;

import graft.attach.Attachment;
import graft.attach.DetachProof;
import graft.attach.Timing;
import graft.cli.bpf.PackagedProgram;
import graft.cli.load.Body;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What it costs a process to be attached to: how long it is held, how long the command takes, what the process has more
 * of meanwhile. On a real nginx under light load; and once on a program that watches the clock, so that the times of the
 * session are compared with what its target saw.
 */
public final class AttachSuite {
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final Duration PAUSE = Duration.ofMillis(10);
    private static final Duration FIRST_REQUESTS = Duration.ofMillis(500);
    private static final int CONNECTIONS = 4;

    private final SessionRunner sessions;
    private final Function<List<Integer>, SessionRequest> request;
    private final Effort effort;
    private final Map<String, Row> rows = new LinkedHashMap<>();

    /**
     * How much to measure.
     *
     * @param rounds attaches and detaches
     * @param colds whole commands
     * @param warmUps rounds before the first that counts
     */
    public record Effort(int rounds, int colds, int warmUps) {}

    private record Row(BenchRow.Who who, String unit, List<Double> values) {}

    /** @param request what is attached to the processes of nginx */
    public AttachSuite(SessionRunner sessions, Function<List<Integer>, SessionRequest> request, Effort effort) {
        this.sessions = sessions;
        this.request = request;
        this.effort = effort;
    }

    /**
     * Measures all rows.
     *
     * @param launcher the command that is started cold
     */
    public List<BenchRow> run(Path launcher) {
        try (NginxServer nginx = NginxServer.start();
                WrkLoad _ = WrkLoad.start(nginx.url(Body.HELLO), WrkLoad.Shape.steady(CONNECTIONS, PAUSE, LIMIT))) {
            List<Integer> workers = nginx.workerPids();
            coldCommands(launcher, workers);
            for (int round = -effort.warmUps(); round < effort.rounds(); round++) {
                attachOnce(workers, round);
            }
            footprint(workers);
        }
        manyFunctions(launcher);
        seenFromInside();
        return rows.entrySet().stream().map(AttachSuite::row).toList();
    }

    private static BenchRow row(Map.Entry<String, Row> row) {
        Samples samples = Samples.of(row.getValue().values().stream()
                .mapToDouble(Double::doubleValue)
                .toArray());
        return new BenchRow(
                "attach", row.getKey(), row.getValue().who(), row.getValue().unit(), samples, samples.median());
    }

    private void add(String row, BenchRow.Who who, String unit, double value) {
        rows.computeIfAbsent(row, _ -> new Row(who, unit, new ArrayList<>()))
                .values()
                .add(value);
    }

    private void held(String row, long nanos) {
        add(row, BenchRow.Who.GRAFT, "us", nanos / 1e3);
    }

    private void coldCommands(Path launcher, List<Integer> workers) {
        ColdCommand command = new ColdCommand(launcher);
        String pids = workers.stream().map(String::valueOf).collect(Collectors.joining(","));
        for (int round = 0; round < effort.colds(); round++) {
            long nanos = command.nanosUntil("attached", List.of("tls", "-p", pids));
            add("command-cold", BenchRow.Who.GRAFT, "us", nanos / 1e3);
        }
    }

    private void attachOnce(List<Integer> workers, int round) {
        long began = System.nanoTime();
        sessions.during(request.apply(workers), session -> {
            double micros = (System.nanoTime() - began) / 1e3;
            List<DetachProof> proofs = session.detach();
            if (round == -effort.warmUps()) {
                periods(session, proofs, "-first");
            }
            if (round >= 0) {
                add("session-warm", BenchRow.Who.GRAFT, "us", micros);
                periods(session, proofs, "");
            }
            return proofs;
        });
    }

    /** Every period in which threads of a worker were held, and their sum. */
    private void periods(Session session, List<DetachProof> proofs, String which) {
        for (Attachment attachment : session.attachments()) {
            Timing attach = attachment.timing();
            held("attach-handover" + which, attach.handoverNanos());
            held("attach-stop" + which, attach.stopNanos());
            held("attach-sum" + which, attach.handoverNanos() + attach.stopNanos());
        }
        for (DetachProof proof : proofs) {
            held("detach-handover" + which, proof.timing().handoverNanos());
            held("detach-stop" + which, proof.timing().stopNanos());
        }
    }

    private void footprint(List<Integer> workers) {
        List<Footprint> before = workers.stream().map(Footprint::of).toList();
        sessions.during(request.apply(workers), session -> {
            linger(FIRST_REQUESTS);
            for (int i = 0; i < workers.size(); i++) {
                Footprint now = Footprint.of(workers.get(i));
                Footprint then = before.get(i);
                add("memory-added", BenchRow.Who.GRAFT, "B", now.residentBytes() - then.residentBytes());
                add("maps-added", BenchRow.Who.GRAFT, "B", now.mapBytes() - then.mapBytes());
                add("threads-added", BenchRow.Who.GRAFT, "count", now.threads() - then.threads());
                add("descriptors-added", BenchRow.Who.GRAFT, "count", now.descriptors() - then.descriptors());
            }
            return workers;
        });
    }

    private static void linger(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ten thousand probes in one session. */
    private void manyFunctions(Path launcher) {
        try (BenchTargetFile file = BenchTargetFile.extract("bench-many");
                BenchTarget target = BenchTarget.start(file.path())) {
            String many = "-" + ManySites.FUNCTIONS;
            ColdCommand command = new ColdCommand(launcher);
            for (int round = 0; round < effort.colds(); round++) {
                List<String> words = List.of("count", "probed_*", "-p", Integer.toString(target.pid()));
                add("command-cold" + many, BenchRow.Who.GRAFT, "us", command.nanosUntil("counting", words) / 1e3);
                long began = System.nanoTime();
                sessions.during(ManySites.request(target.pid(), "count"), session -> {
                    add("session-warm" + many, BenchRow.Who.GRAFT, "us", (System.nanoTime() - began) / 1e3);
                    List<DetachProof> proofs = session.detach();
                    requireClean(proofs);
                    held(
                            "attach-stop" + many,
                            session.attachments().getFirst().timing().stopNanos());
                    held("detach-stop" + many, proofs.getFirst().timing().stopNanos());
                    return proofs;
                });
            }
        }
    }

    private static void requireClean(List<DetachProof> proofs) {
        for (DetachProof proof : proofs) {
            if (!proof.clean() || proof.restored() < ManySites.FUNCTIONS) {
                throw new IllegalStateException("%s: %d of %d sites are restored %s"
                        .formatted(proof.outcome(), proof.restored(), proof.sites(), proof.notes()));
            }
        }
    }

    private void seenFromInside() {
        try (BenchTargetFile file = BenchTargetFile.extract();
                BenchTarget target = BenchTarget.start(file.path())) {
            BenchPlaces places = new BenchPlaces(PackagedProgram.BENCH.spec(), target.pid());
            SessionRequest one = new SessionRequest(
                    PackagedProgram.BENCH.spec(), places.links(UprobeRow.ENTRY_COUNT), List.of(target.pid()));
            for (int round = 0; round < effort.rounds(); round++) {
                long began = System.nanoTime();
                target.watchClock();
                Timing timing = sessions.during(one, session -> {
                    add("spin-gap", BenchRow.Who.NATIVE, "us", target.longestGap() / 1e3);
                    return session.attachments().getFirst().timing();
                });
                held("spin-held", Math.max(timing.handoverNanos(), timing.stopNanos()));
                Duration asLong = Duration.ofNanos(System.nanoTime() - began);
                target.watchClock();
                linger(asLong);
                add("spin-gap-alone", BenchRow.Who.NATIVE, "us", target.longestGap() / 1e3);
            }
        }
    }
}

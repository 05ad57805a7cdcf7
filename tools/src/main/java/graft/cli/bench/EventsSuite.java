package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.daemon.KernelSession;
import graft.daemon.LinkRequest;
import graft.daemon.SessionRequest;
import graft.uprobe.Probe;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Events of several processes at a pace, an event of 64 bytes for each call, to one reader here: by graft, then by the kernel's
 * probes and ring buffer. Every call is delivered or counted as lost, or this fails.
 */
public final class EventsSuite {
    private static final String ROW = "row_event";
    private static final Executor THREADS = task -> Thread.ofPlatform().start(task);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final long WARM_UP_RATE = 100_000;

    private final SessionRunner sessions;
    private final Effort effort;

    /**
     * How much to measure.
     *
     * @param rate events a second, of all processes together
     * @param idle how long the reader waits for nothing afterwards
     */
    public record Effort(int processes, long rate, long seconds, Duration idle) {}

    public EventsSuite(SessionRunner sessions, Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** Measures both places and undoes all. */
    public EventsResult run() {
        List<BenchTarget> targets = new ArrayList<>();
        try (BenchTargetFile file = BenchTargetFile.extract()) {
            start(file.path(), targets);
            SessionRequest request = new SessionRequest(
                    PackagedProgram.EVENTS.spec(),
                    List.of(new LinkRequest.Uprobe("event", new Probe(Probe.Kind.ENTRY, "", ROW, 0), 0)),
                    targets.stream().map(BenchTarget::pid).toList());
            EventsResult.Side graft = sessions.during(
                    request, session -> measured(BenchRow.Who.GRAFT, targets, new EventSource.InProcess(session)));
            return new EventsResult(List.of(graft, inKernel(request, targets)));
        } finally {
            targets.forEach(BenchTarget::close);
        }
    }

    private void start(Path executable, List<BenchTarget> targets) {
        for (int i = 0; i < effort.processes(); i++) {
            targets.add(BenchTarget.start(executable, i % Runtime.getRuntime().availableProcessors()));
        }
    }

    private EventsResult.Side inKernel(SessionRequest request, List<BenchTarget> targets) {
        return switch (KernelSession.open(request, Map.of())) {
            case KernelSession.Opening.Opened(var session) -> {
                try (session;
                        EventSource source = EventSource.InKernel.of(session)) {
                    yield measured(BenchRow.Who.KERNEL, targets, source);
                }
            }
            case KernelSession.Opening refused ->
                throw Problem.of("D003", "the kernel's uprobes cannot be measured here")
                        .because(refused.toString())
                        .failure();
        };
    }

    /** After a warm-up, whose events are not counted. */
    private EventsResult.Side measured(BenchRow.Who who, List<BenchTarget> targets, EventSource source) {
        events(targets, WARM_UP_RATE, 1, source);
        long seen = source.total(EventSource.SEEN);
        long lost = source.total(EventSource.LOST);
        long cpu = CpuTime.ofThisThread();
        long start = System.nanoTime();
        Run run = events(targets, effort.rate(), effort.seconds(), source);
        EventsResult.Load reader = new EventsResult.Load(CpuTime.ofThisThread() - cpu, System.nanoTime() - start);
        lost = source.total(EventSource.LOST) - lost;
        seen = source.total(EventSource.SEEN) - seen;
        if (seen != run.calls() || run.delivered() + lost != run.calls()) {
            throw new IllegalStateException("%d calls, %d seen by the program, %d delivered and %d lost"
                    .formatted(run.calls(), seen, run.delivered(), lost));
        }
        return new EventsResult.Side(who, run.calls(), run.delivered(), lost, run.nanos(), reader, idle(source));
    }

    /** @param nanos how long the slowest process took */
    private record Run(long calls, long delivered, long nanos) {}

    private Run events(List<BenchTarget> targets, long rate, long seconds, EventSource source) {
        List<CompletableFuture<BenchTarget.Paced>> working = targets.stream()
                .map(target ->
                        CompletableFuture.supplyAsync(() -> target.pace(ROW, rate / targets.size(), seconds), THREADS))
                .toList();
        long delivered = 0;
        while (!working.stream().allMatch(CompletableFuture::isDone)) {
            delivered += source.take(LOOK, _ -> {});
        }
        for (int taken = source.take(LOOK, _ -> {}); taken > 0; taken = source.take(LOOK, _ -> {})) {
            delivered += taken;
        }
        List<BenchTarget.Paced> done =
                working.stream().map(CompletableFuture::join).toList();
        return new Run(
                done.stream().mapToLong(BenchTarget.Paced::calls).sum(),
                delivered,
                done.stream().mapToLong(BenchTarget.Paced::nanos).max().orElseThrow());
    }

    /** The reader waits, and nothing comes. */
    private EventsResult.Load idle(EventSource source) {
        long cpu = CpuTime.ofThisThread();
        long start = System.nanoTime();
        source.take(effort.idle(), _ -> {});
        return new EventsResult.Load(CpuTime.ofThisThread() - cpu, System.nanoTime() - start);
    }
}

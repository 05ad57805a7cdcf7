package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.load.LoadResult;
import graft.cli.tls.TlsTally;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Runs a load on nginx's workers untraced or with all TLS traffic captured and read. */
final class NginxTracing implements LoadTracing {
    private final SessionRunner sessions;
    private final SessionRequest request;
    private final TlsTally.Depth depth;

    NginxTracing(SessionRunner sessions, List<Integer> workers, TlsTally.Depth depth) {
        this.sessions = sessions;
        this.depth = depth;
        CollectionSpec object = PackagedProgram.TLS.spec();
        this.request = new SessionRequest(object, SectionLinks.of(object).links(), workers);
    }

    @Override
    public List<Integer> workers() {
        return request.pids();
    }

    @Override
    public NginxRound graft(Supplier<LoadResult> load) {
        return capturedHere(load).round();
    }

    @Override
    public NginxRound kernel(Supplier<LoadResult> load) {
        return capturedInKernel(load).round();
    }

    /**
     * In one session, which is switched off and on between the windows, by a single stop of each worker: what is compared has
     * run right one after the other. One reader takes the records of all windows, so they are counted together.
     */
    @Override
    public void graft(ServedLoad load, NginxSeries series) {
        sessions.during(request, session -> {
            try (TlsSource source = TlsSource.Targets.of(session);
                    TlsReader reader = TlsReader.start(source, new TlsTally(depth))) {
                Supplier<LoadResult> part = () -> load.part(PARTS);
                LoadTracing.requireSwitched(session.switchOff());
                series.untraced(untraced(part));
                for (int i = 0; i < WINDOWS; i++) {
                    LoadTracing.requireSwitched(session.switchOn());
                    NginxRound traced = read(reader, part);
                    LoadTracing.requireSwitched(session.switchOff());
                    series.graft(traced, untraced(part));
                }
                long events = reader.finish().events();
                series.graftSaw(events, source.lost());
                return events;
            }
        });
    }

    private NginxRound read(TlsReader reader, Supplier<LoadResult> load) {
        long before = reader.cpuNanos();
        NginxRound round = untraced(load);
        return new NginxRound(round.load(), round.cpuNanos() + reader.cpuNanos() - before, 0, 0);
    }

    /** Windows in which bodies are copied and nothing is traced, each with an untraced one behind it. */
    void floor(CopyFloor floor, CopyFloor.To to, ServedLoad load, NginxSeries series) {
        Supplier<LoadResult> part = () -> load.part(PARTS);
        series.untraced(untraced(part));
        for (int i = 0; i < WINDOWS; i++) {
            long before = floor.calls();
            floor.on(to);
            NginxRound copied = untraced(part);
            floor.off();
            series.floor(to, copied.with(floor.calls() - before), untraced(part));
        }
    }

    /** The program in the workers. */
    CapturedRound capturedHere(Supplier<LoadResult> load) {
        return sessions.during(request, session -> traced(TlsSource.Targets.of(session), load));
    }

    /** The same program on the kernel's probes. */
    CapturedRound capturedInKernel(Supplier<LoadResult> load) {
        return switch (KernelSession.open(request, Map.of())) {
            case KernelSession.Opening.Opened(var session) -> {
                try (session) {
                    yield traced(TlsSource.Kernel.of(session), load);
                }
            }
            case KernelSession.Opening.Rejected(var rejection) ->
                throw Problem.of("D003", "the kernel's uprobes cannot be measured here")
                        .because(rejection.toString())
                        .failure();
            case KernelSession.Opening.Refused(var what, var why, var suggestion) ->
                throw Problem.of("D003", "the kernel's uprobes cannot be measured here")
                        .because(what + ": " + why)
                        .remedy(suggestion)
                        .failure();
            case KernelSession.Opening.NotFound(var refusal) ->
                throw Problem.of("D003", "the kernel's uprobes cannot be measured here")
                        .because(refusal.toString())
                        .failure();
        };
    }

    private CapturedRound traced(TlsSource source, Supplier<LoadResult> load) {
        try (source;
                TlsReader reader = TlsReader.start(source, new TlsTally(depth))) {
            long before = CpuTime.ofMainThreads(request.pids());
            LoadResult result = load.get();
            long served = CpuTime.ofMainThreads(request.pids()) - before;
            TlsTally.Totals totals = reader.finish();
            return new CapturedRound(
                    new NginxRound(result, served + reader.cpuNanos(), totals.events(), source.lost()), totals);
        }
    }
}

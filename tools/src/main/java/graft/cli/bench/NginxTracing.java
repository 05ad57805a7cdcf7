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

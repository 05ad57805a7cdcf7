package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.daemon.LinkRequest;
import graft.daemon.SessionRequest;
import graft.ebpf.verifier.Permission;
import graft.uprobe.Probe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a call costs that a program answers in place of the function. The kernel overrides no functions of processes. */
final class OverriddenCall {
    private static final String FUNCTION = UprobeRow.ENTRY_EMPTY.graftFunction();

    private final SessionRunner sessions;
    private final UprobeSuite.Effort effort;

    OverriddenCall(SessionRunner sessions, UprobeSuite.Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** The row. */
    BenchRow run() {
        try (BenchTargetFile file = BenchTargetFile.extract();
                BenchTarget target = BenchTarget.start(file.path())) {
            Probe entry = new Probe(Probe.Kind.ENTRY, "", FUNCTION, 0);
            SessionRequest request = new SessionRequest(
                            PackagedProgram.OVERRIDE.spec(),
                            List.of(new LinkRequest.Uprobe("override", entry, 0)),
                            List.of(target.pid()))
                    .allowing(Set.of(Permission.CHANGE));
            return sessions.during(request, _ -> measure(target));
        }
    }

    private BenchRow measure(BenchTarget target) {
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (int round = 0; round < effort.rounds(); round++) {
            target.measure(1, effort.calls(), List.of(UprobeSuite.PLAIN, FUNCTION))
                    .forEach((row, sample) ->
                            values.computeIfAbsent(row, _ -> new ArrayList<>()).add(sample.median()));
        }
        Samples overridden = samples(values.get(FUNCTION));
        double plain = samples(values.get(UprobeSuite.PLAIN)).median();
        return new BenchRow("uprobe", "overridden", BenchRow.Who.GRAFT, "ns", overridden, overridden.median() - plain);
    }

    private static Samples samples(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}

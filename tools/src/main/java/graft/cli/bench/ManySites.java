package graft.cli.bench;

import graft.cli.bpf.PackagedProgram;
import graft.daemon.LinkRequest;
import graft.daemon.SessionRequest;
import graft.uprobe.Probe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a probe costs when there are so many that their code does not stay in the processor's nearest memory: functions
 * that are called in random order, half of them with a probe ({@code bench-many.c}).
 */
final class ManySites {
    /** At least so many functions have a probe. */
    static final int FUNCTIONS = 10_000;

    private static final List<Integer> CALLED = List.of(16, 1024, 8192);

    private final SessionRunner sessions;
    private final UprobeSuite.Effort effort;

    ManySites(SessionRunner sessions, UprobeSuite.Effort effort) {
        this.sessions = sessions;
        this.effort = effort;
    }

    /** The request for all of them. */
    static SessionRequest request(int pid, String program) {
        Probe probe = new Probe(Probe.Kind.ENTRY, "", "probed_*", 0);
        return new SessionRequest(
                PackagedProgram.BENCH.spec(), List.of(new LinkRequest.Uprobe(program, probe, 0)), List.of(pid));
    }

    /** A row for each number of functions. */
    List<BenchRow> run() {
        try (BenchTargetFile file = BenchTargetFile.extract("bench-many");
                BenchTarget target = BenchTarget.start(file.path())) {
            return sessions.during(request(target.pid(), "empty"), _ -> rows(measure(target)));
        }
    }

    private Map<String, List<Double>> measure(BenchTarget target) {
        List<String> names = CALLED.stream()
                .flatMap(count -> List.of("plain-" + count, "probed-" + count).stream())
                .toList();
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (int round = 0; round < effort.rounds(); round++) {
            target.measure(1, effort.calls() / 4, names)
                    .forEach((name, sample) ->
                            values.computeIfAbsent(name, _ -> new ArrayList<>()).add(sample.median()));
        }
        return values;
    }

    private static List<BenchRow> rows(Map<String, List<Double>> values) {
        return CALLED.stream()
                .map(count -> {
                    Samples probed = Samples.of(doubles(values.get("probed-" + count)));
                    double plain =
                            Samples.of(doubles(values.get("plain-" + count))).median();
                    return new BenchRow(
                            "uprobe", "sites-" + count, BenchRow.Who.GRAFT, "ns", probed, probed.median() - plain);
                })
                .toList();
    }

    private static double[] doubles(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}

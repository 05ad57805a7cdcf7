package graft.cli.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The windows of one body in the order they were made: each traced one lies between two untraced ones. */
final class NginxSeries {
    private static final String UNIT = "req/s";

    private final List<NginxRound> untraced = new ArrayList<>();
    private final Tracer kernel = new Tracer();
    private final Tracer graft = new Tracer();
    private final Map<CopyFloor.To, Tracer> floors = new EnumMap<>(CopyFloor.To.class);
    private long failed;

    NginxSeries(NginxRound first) {
        this.untraced.add(first);
    }

    /** The windows of one tracer. */
    private static final class Tracer {
        private final List<NginxRound> rounds = new ArrayList<>();
        private final List<Double> losses = new ArrayList<>();
        private final List<Double> growths = new ArrayList<>();
    }

    /** Adds a window under the kernel's probes and the untraced one that followed. */
    void kernel(NginxRound round, NginxRound after) {
        add(kernel, round, after);
    }

    /** Adds a window under graft and the untraced one that followed. */
    void graft(NginxRound round, NginxRound after) {
        add(graft, round, after);
    }

    /** What the windows under graft since the last call had together. */
    void graftSaw(long events, long lost) {
        NginxRound last = graft.rounds.removeLast();
        graft.rounds.add(new NginxRound(last.load(), last.cpuNanos(), events, lost));
    }

    /** Adds a window in which bodies were copied and nothing traced, and the one that followed. */
    void floor(CopyFloor.To to, NginxRound round, NginxRound after) {
        add(floors.computeIfAbsent(to, _ -> new Tracer()), round, after);
    }

    /** Adds an untraced window: what follows is compared with this one, and no longer with the one before. */
    void untraced(NginxRound round) {
        untraced.add(round);
    }

    /** Requests of the whole load without a proper answer: nobody knows in which window. */
    void failed(long requests) {
        failed = requests;
    }

    private void add(Tracer tracer, NginxRound round, NginxRound after) {
        NginxRound before = untraced.getLast();
        double served = (before.load().perSecond() + after.load().perSecond()) / 2;
        double used = (before.cpuPerRequest() + after.cpuPerRequest()) / 2;
        untraced.add(after);
        tracer.rounds.add(round);
        tracer.losses.add(100 * (1 - round.load().perSecond() / served));
        tracer.growths.add(100 * (round.cpuPerRequest() / used - 1));
    }

    /** The rows under the body's name: the untraced row, then the kernel's, then graft's, then what copying alone costs. */
    List<NginxRow> rows(String body) {
        List<NginxRow> rows = new ArrayList<>();
        rows.add(row(bench(body, BenchRow.Who.NATIVE, untraced), NginxRow.Compared.NOTHING, untraced));
        rows.add(row(body, BenchRow.Who.KERNEL, kernel));
        rows.add(row(body, BenchRow.Who.GRAFT, graft));
        floors.forEach((to, tracer) -> rows.add(row(body + " " + to.word(), BenchRow.Who.FLOOR, tracer)));
        return rows;
    }

    private NginxRow row(String name, BenchRow.Who who, Tracer tracer) {
        return row(bench(name, who, tracer.rounds), compared(tracer), tracer.rounds);
    }

    private static NginxRow.Compared compared(Tracer tracer) {
        return new NginxRow.Compared(samples(tracer.losses), samples(tracer.growths));
    }

    private BenchRow bench(String body, BenchRow.Who who, List<NginxRound> rounds) {
        Samples rates = rates(rounds);
        double added = rates.median() - rates(untraced).median();
        return new BenchRow("nginx", body, who, UNIT, rates, added);
    }

    private NginxRow row(BenchRow bench, NginxRow.Compared compared, List<NginxRound> rounds) {
        return new NginxRow(
                bench,
                compared,
                samples(rounds.stream().map(NginxRound::cpuPerRequest).toList()),
                rounds.stream().mapToLong(NginxRound::events).sum(),
                rounds.stream().mapToLong(NginxRound::lost).sum(),
                failed);
    }

    private static Samples rates(List<NginxRound> rounds) {
        return samples(rounds.stream().map(round -> round.load().perSecond()).toList());
    }

    private static Samples samples(List<Double> values) {
        return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}

package graft.tests.nginx;

import graft.attach.DetachProof;
import graft.attach.Timing;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** What rounds of attach and detach cost, for people. */
final class RoundFigures {
    private final List<Long> round = new ArrayList<>();
    private final List<Long> attachStop = new ArrayList<>();
    private final List<Long> attachHandover = new ArrayList<>();
    private final List<Long> stop = new ArrayList<>();
    private final List<Long> handover = new ArrayList<>();
    private final List<Long> resident = new ArrayList<>();

    void attached(Timing timing) {
        attachStop.add(timing.stopNanos());
        attachHandover.add(timing.handoverNanos());
    }

    void detached(DetachProof proof, long nanos) {
        round.add(nanos);
        stop.add(proof.timing().stopNanos());
        handover.add(proof.timing().handoverNanos());
        resident.add(proof.after().residentBytes());
    }

    /** Several lines. */
    String text() {
        return "%d rounds%n  %s%n  %s%n  %s%n  %s%n  %s%n  resident KiB after the first round %d, after the last %d"
                .formatted(
                        round.size(),
                        line("round", round),
                        line("attach stop", attachStop),
                        line("attach handover", attachHandover),
                        line("detach stop", stop),
                        line("detach handover", handover),
                        resident.getFirst() >> 10,
                        resident.getLast() >> 10);
    }

    private static String line(String what, List<Long> nanos) {
        List<Long> sorted = new ArrayList<>(nanos);
        Collections.sort(sorted);
        return String.format(
                Locale.ROOT,
                "%-16s p50 %9.3f ms   p99 %9.3f ms   max %9.3f ms",
                what,
                at(sorted, 0.5),
                at(sorted, 0.99),
                at(sorted, 1));
    }

    private static double at(List<Long> sorted, double part) {
        return sorted.get((int) Math.min(sorted.size() - 1, part * sorted.size())) / 1e6;
    }
}

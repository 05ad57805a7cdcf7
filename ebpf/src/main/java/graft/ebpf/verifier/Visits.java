package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.verifier.FlowGraph.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * States seen at join points. A path that reaches a state covered by an older one whose walk is complete needs no walk of
 * its own. At the head of a loop that is not unrolled, a round that starts from nothing new needs no walk either. A path
 * that comes back to exactly a state it has itself passed will never end.
 */
final class Visits {
    /** A state is kept after so many instructions and jumps: in loops later, since rounds seldom repeat. */
    private static final int MIN_INSNS = 8;

    private static final int MIN_JUMPS = 2;
    private static final int MIN_LOOP_INSNS = 100;
    private static final int MIN_LOOP_JUMPS = 20;
    /** A path that made so many jumps since its last kept state keeps one at the next join. */
    private static final int MANY_JUMPS = 40;
    /** How many misses a hit makes good. */
    private static final int PATIENCE = 3;

    private static final int PATIENCE_WITH_LOOPS = 64;

    private final FlowGraph graph;
    private final Liveness liveness;
    private final Subsumption subsumption = new Subsumption();
    private final List<List<Visit>> bySlot;
    private int insns;
    private int jumps;

    Visits(FlowGraph graph, Liveness liveness, int slots) {
        this.graph = graph;
        this.liveness = liveness;
        this.bySlot = new ArrayList<>(slots);
        for (int slot = 0; slot < slots; slot++) {
            bySlot.add(new ArrayList<>(0));
        }
    }

    /** Counts an instruction that is walked. */
    void walked(int slot) {
        insns++;
        if (graph.isJump(slot)) {
            jumps++;
        }
    }

    /** What to do with a path that arrives at a join. */
    enum Arrival {
        GO_ON,
        COVERED,
        REPEATED
    }

    Arrival arrive(Path path) {
        int slot = path.slot();
        Place place = graph.place(slot);
        if (place == Place.STRAIGHT) {
            return Arrival.GO_ON;
        }
        boolean forced = place.isLoop() || path.jumps() > MANY_JUMPS;
        boolean keeps = forced || jumps >= MIN_JUMPS && insns >= MIN_INSNS;
        forgetDead(path);
        List<Visit> visits = bySlot.get(slot);
        for (int index = visits.size() - 1; index >= 0; index--) {
            Visit visit = visits.get(index);
            Arrival found = compare(visit, path, place);
            if (found != Arrival.GO_ON) {
                return found;
            }
            if (!visit.isComplete() && !forced && jumps < MIN_LOOP_JUMPS && insns < MIN_LOOP_INSNS) {
                keeps = false;
            }
            if (keeps) {
                visit.missed();
            }
            int patience = place.isLoop() && !visit.isComplete() ? PATIENCE_WITH_LOOPS : PATIENCE;
            if (visit.isUseless(patience)) {
                visits.remove(index);
            }
        }
        if (keeps) {
            keep(path, visits);
        }
        return Arrival.GO_ON;
    }

    private Arrival compare(Visit visit, Path path, Place place) {
        if (!visit.isSettled() && !visit.state().sameStart(path.state())) {
            return Arrival.GO_ON;
        }
        if (visit.isComplete()) {
            return isCovered(visit, path) ? Arrival.COVERED : Arrival.GO_ON;
        }
        return switch (place) {
            case CALLBACKS -> closesLoop(visit, path) ? Arrival.COVERED : Arrival.GO_ON;
            case ITERATOR ->
                Iterators.mayHaveMore(path.state()) && closesLoop(visit, path) ? Arrival.COVERED : Arrival.GO_ON;
            case BUDGET ->
                !visit.state().sameRounds(path.state()) && closesLoop(visit, path)
                        ? Arrival.COVERED
                        : repeated(visit, path);
            case STRAIGHT, JOIN -> repeated(visit, path);
        };
    }

    private boolean closesLoop(Visit visit, Path path) {
        if (!subsumption.covers(visit, path.state())) {
            return false;
        }
        visit.hit();
        visit.readLaterFor(path);
        path.enterLoop(visit);
        return true;
    }

    private Arrival repeated(Visit visit, Path path) {
        boolean same = visit.state().sameRounds(path.state())
                && Iterators.sameDepths(visit.state(), path.state())
                && subsumption.sameAs(visit.state(), path.state());
        return same ? Arrival.REPEATED : Arrival.GO_ON;
    }

    private void keep(Path path, List<Visit> visits) {
        path.state().keepNumbers();
        Visit visit = new Visit(path);
        path.state().isKept();
        visits.add(visit);
        path.startAt(visit);
        insns = 0;
        jumps = 0;
    }

    private boolean isCovered(Visit visit, Path path) {
        boolean settled = visit.isSettled();
        boolean covered =
                settled ? subsumption.coversFinally(visit, path.state()) : subsumption.covers(visit, path.state());
        if (!covered) {
            return false;
        }
        visit.hit();
        if (settled) {
            visit.readFor(path);
        } else {
            visit.readLaterFor(path);
            path.enterLoop(visit.waitsFor());
        }
        return true;
    }

    /** The last state kept at a slot on the way of a path; the one that was kept just now does not count. */
    Optional<AbstractState> lastAt(Path path, int slot) {
        List<Visit> visits = bySlot.get(slot);
        for (int index = visits.size() - 1; index >= 0; index--) {
            Visit visit = visits.get(index);
            boolean justKept = visit == path.visit() && path.insns() == 0;
            // Walking depth first, only states on the way of the path are not walked to their end.
            if (!visit.isComplete() && !justKept) {
                return Optional.of(visit.state());
            }
        }
        return Optional.empty();
    }

    /** Drops registers that nothing reads any more, in all frames. */
    private void forgetDead(Path path) {
        AbstractState state = path.state();
        int resume = path.slot();
        for (int index = state.depth() - 1; index >= 0; index--) {
            Frame frame = state.frame(index);
            for (int reg = 0; reg < Reg.R10.number(); reg++) {
                if (!liveness.isLive(resume, reg)) {
                    frame.registers[reg] = Value.Nothing.UNINITIALISED;
                }
            }
            resume = frame.returnTo;
        }
    }
}

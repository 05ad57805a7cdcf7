package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * States seen at join points. A path that reaches a state covered by an older one whose walk is complete needs no walk of
 * its own. At the head of a loop that is not unrolled, a round that starts from nothing new needs no walk either. A path
 * that comes back to exactly a state it has itself passed will never end.
 */
final class Visits {
    private static final int KEPT = 64;
    private static final int MIN_INSNS = 8;
    private static final int MIN_BRANCHES = 2;

    private final FlowGraph graph;
    private final Liveness liveness;
    private final List<List<Visit>> bySlot;

    Visits(FlowGraph graph, Liveness liveness, int slots) {
        this.graph = graph;
        this.liveness = liveness;
        this.bySlot = new ArrayList<>(slots);
        for (int slot = 0; slot < slots; slot++) {
            bySlot.add(new ArrayList<>(0));
        }
    }

    /** A remembered state and how many paths that began there are not walked to their end. */
    static final class Visit {
        private final AbstractState state;
        private final Visit parent;
        private Visit loopEntry;
        private int open = 1;
        private int hits;
        private int misses;

        Visit(AbstractState state, Visit parent) {
            this.state = state;
            this.parent = parent;
        }

        void opened() {
            open++;
        }

        /** One path from here has ended. */
        void closed() {
            Visit visit = this;
            while (visit != null && --visit.open == 0) {
                visit = visit.parent;
            }
        }

        private boolean isComplete() {
            return open == 0;
        }

        /** Whether what matters may still change, because a loop it is in is not walked to its end. */
        private boolean isInOpenLoop() {
            return loopEntry != null && !loopEntry.isComplete();
        }
    }

    /** What to do with a path that arrives at a join. */
    enum Arrival {
        GO_ON,
        COVERED,
        REPEATED
    }

    /** Whether a slot is the head of a loop whose rounds may be cut short. */
    enum Place {
        ORDINARY,
        LOOP_HEAD,
        /** The head of a loop with a budget, which only counts rounds that went through its body. */
        BUDGET
    }

    Arrival arrive(Path path, Place place) {
        if (!graph.isJoin(path.slot()) && place == Place.ORDINARY) {
            return Arrival.GO_ON;
        }
        forgetDead(path);
        List<Visit> visits = bySlot.get(path.slot());
        for (int index = visits.size() - 1; index >= 0; index--) {
            Visit visit = visits.get(index);
            if (visit.isComplete()) {
                if (isCovered(visit, path)) {
                    visit.hits++;
                    return Arrival.COVERED;
                }
            } else if (place == Place.LOOP_HEAD || place == Place.BUDGET && !visit.state.sameRounds(path.state())) {
                if (Subsumption.covers(visit.state, path.state(), Subsumption.Mode.EVERYWHERE)) {
                    enterLoop(path.visit(), visit);
                    return Arrival.COVERED;
                }
            } else if (visit.state.sameRounds(path.state())
                    && Iterators.sameDepths(visit.state, path.state())
                    && Subsumption.sameAs(visit.state, path.state())) {
                return Arrival.REPEATED;
            }
            visit.misses++;
            if (visit.misses > 3 * visit.hits + 3 && visits.size() > 1 && !isNeeded(visit, place)
                    || visits.size() > KEPT) {
                visits.remove(index);
            }
        }
        boolean worthKeeping = path.insns() >= MIN_INSNS && path.branches() >= MIN_BRANCHES;
        if (visits.isEmpty() || worthKeeping || place != Place.ORDINARY) {
            keep(path, visits);
        }
        return Arrival.GO_ON;
    }

    private static boolean isNeeded(Visit visit, Place place) {
        return place != Place.ORDINARY && !visit.isComplete();
    }

    private static void keep(Path path, List<Visit> visits) {
        path.state().keepNumbers();
        Visit visit = new Visit(path.state().copy(), path.visit());
        visits.add(visit);
        path.startAt(visit);
    }

    private static boolean isCovered(Visit visit, Path path) {
        if (visit.loopEntry == null) {
            return Subsumption.coversFinally(visit.state, path.state());
        }
        boolean open = visit.isInOpenLoop();
        boolean covered = Subsumption.covers(
                visit.state, path.state(), open ? Subsumption.Mode.EVERYWHERE : Subsumption.Mode.WHERE_IT_MATTERS);
        if (covered && open) {
            enterLoop(path.visit(), visit.loopEntry);
        }
        return covered;
    }

    /** Whatever leads from {@code entry} to {@code inside} depends on how the loop ends. */
    private static void enterLoop(Visit inside, Visit entry) {
        for (Visit visit = inside; visit != null && visit != entry; visit = visit.parent) {
            if (visit.loopEntry == null || visit.loopEntry.isComplete() || isAbove(entry, visit.loopEntry)) {
                visit.loopEntry = entry;
            }
        }
    }

    private static boolean isAbove(Visit upper, Visit lower) {
        for (Visit visit = lower; visit != null; visit = visit.parent) {
            if (visit == upper) {
                return true;
            }
        }
        return false;
    }

    /** The last state kept at a slot on the way of a path; the one that was kept just now does not count. */
    Optional<AbstractState> lastAt(Path path, int slot) {
        List<Visit> there = bySlot.get(slot);
        boolean justKept = path.insns() == 0 && path.visit() != null;
        for (Visit visit = justKept ? path.visit().parent : path.visit(); visit != null; visit = visit.parent) {
            if (there.contains(visit)) {
                return Optional.of(visit.state);
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

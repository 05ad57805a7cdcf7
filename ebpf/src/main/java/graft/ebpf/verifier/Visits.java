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

    /** A remembered state and how many paths that began there are not walked to their end. */
    static final class Visit {
        private final AbstractState state;
        private final Visit parent;
        private final int depth;
        private Visit loopEntry;
        private int open = 1;
        private int hits;
        private int misses;

        Visit(Path path) {
            this.state = path.state().copy();
            this.parent = path.visit();
            this.depth = parent == null ? 0 : parent.depth + 1;
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

        /** Whether it is known that this, and all from {@code entry} to this, is in a loop from {@code entry} or before. */
        private boolean isInLoopFrom(Visit entry) {
            return loopEntry != null && !loopEntry.isSettled() && loopEntry.depth <= entry.depth;
        }

        /** Whether all that matters is known: no loop that this is in, or that such a loop is in, is still walked. */
        private boolean isSettled() {
            boolean settled = waitsFor().open == 0;
            if (settled) {
                loopEntry = null;
            }
            return settled;
        }

        /** The head of the outermost loop around this, or around such a loop, that is still walked. */
        private Visit waitsFor() {
            Visit visit = this;
            while (visit.open == 0 && visit.loopEntry != null) {
                visit = visit.loopEntry;
            }
            return visit;
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
                visit.misses++;
            }
            int patience = place.isLoop() && !visit.isComplete() ? PATIENCE_WITH_LOOPS : PATIENCE;
            if (visit.misses > patience * (visit.hits + 1)) {
                visits.remove(index);
            }
        }
        if (keeps) {
            keep(path, visits);
        }
        return Arrival.GO_ON;
    }

    private static Arrival compare(Visit visit, Path path, Place place) {
        if (!visit.isSettled() && !visit.state.sameStart(path.state())) {
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
                !visit.state.sameRounds(path.state()) && closesLoop(visit, path)
                        ? Arrival.COVERED
                        : repeated(visit, path);
            case STRAIGHT, JOIN -> repeated(visit, path);
        };
    }

    private static boolean closesLoop(Visit visit, Path path) {
        if (!Subsumption.covers(visit.state, path.state(), Subsumption.Mode.EVERYWHERE)) {
            return false;
        }
        visit.hits++;
        enterLoop(path.visit(), visit);
        return true;
    }

    private static Arrival repeated(Visit visit, Path path) {
        boolean same = visit.state.sameRounds(path.state())
                && Iterators.sameDepths(visit.state, path.state())
                && Subsumption.sameAs(visit.state, path.state());
        return same ? Arrival.REPEATED : Arrival.GO_ON;
    }

    private void keep(Path path, List<Visit> visits) {
        path.state().keepNumbers();
        Visit visit = new Visit(path);
        visits.add(visit);
        path.startAt(visit);
        insns = 0;
        jumps = 0;
    }

    private static boolean isCovered(Visit visit, Path path) {
        boolean settled = visit.isSettled();
        boolean covered = settled
                ? Subsumption.coversFinally(visit.state, path.state())
                : Subsumption.covers(visit.state, path.state(), Subsumption.Mode.EVERYWHERE);
        if (covered) {
            visit.hits++;
        }
        if (covered && !settled) {
            enterLoop(path.visit(), visit.waitsFor());
        }
        return covered;
    }

    /** Whatever leads from {@code entry} to {@code inside} depends on how the loop ends. */
    private static void enterLoop(Visit inside, Visit entry) {
        Visit visit = inside;
        while (visit != null && visit != entry && !visit.isInLoopFrom(entry)) {
            visit.loopEntry = entry;
            visit = visit.parent;
        }
    }

    /** The last state kept at a slot on the way of a path; the one that was kept just now does not count. */
    Optional<AbstractState> lastAt(Path path, int slot) {
        List<Visit> visits = bySlot.get(slot);
        for (int index = visits.size() - 1; index >= 0; index--) {
            Visit visit = visits.get(index);
            boolean justKept = visit == path.visit() && path.insns() == 0;
            // Walking depth first, only states on the way of the path are not walked to their end.
            if (!visit.isComplete() && !justKept) {
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

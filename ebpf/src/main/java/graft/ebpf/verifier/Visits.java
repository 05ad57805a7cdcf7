package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.ArrayList;
import java.util.List;

/**
 * States seen at join points. A path that reaches a state covered by an older one whose walk is complete needs no walk of
 * its own. A path that comes back to exactly a state it has itself passed will never end.
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
    }

    /** What to do with a path that arrives at a join. */
    enum Arrival {
        GO_ON,
        COVERED,
        REPEATED
    }

    Arrival arrive(Path path) {
        if (!graph.isJoin(path.slot())) {
            return Arrival.GO_ON;
        }
        forgetDead(path);
        List<Visit> visits = bySlot.get(path.slot());
        for (int index = visits.size() - 1; index >= 0; index--) {
            Visit visit = visits.get(index);
            if (Subsumption.covers(visit.state, path.state())) {
                if (visit.isComplete()) {
                    visit.hits++;
                    return Arrival.COVERED;
                }
                if (Subsumption.covers(path.state(), visit.state)) {
                    return Arrival.REPEATED;
                }
            }
            visit.misses++;
            if (visit.misses > 3 * visit.hits + 3 && visits.size() > 1 || visits.size() > KEPT) {
                visits.remove(index);
            }
        }
        boolean worthKeeping = path.insns() >= MIN_INSNS && path.branches() >= MIN_BRANCHES;
        if (visits.isEmpty() || worthKeeping) {
            Visit visit = new Visit(path.state().copy(), path.visit());
            visits.add(visit);
            path.startAt(visit);
        }
        return Arrival.GO_ON;
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

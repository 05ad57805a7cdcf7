package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Wide;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The largest sum of frames along a chain of calls, once the walk knows how much each function uses. */
final class StackBudget {
    private static final int FRAME_UNIT = 16;

    private final InsnList insns;
    private final FlowGraph graph;
    private final Notes notes;
    private final Map<Integer, Set<Integer>> calls = new HashMap<>();

    private StackBudget(InsnList insns, FlowGraph graph, Notes notes) {
        this.insns = insns;
        this.graph = graph;
        this.notes = notes;
    }

    /** Bytes the deepest chain needs, every frame rounded up to 16. @throws Refused on recursion */
    static int of(InsnList insns, FlowGraph graph, Notes notes) {
        StackBudget budget = new StackBudget(insns, graph, notes);
        budget.findCalls();
        int deepest = budget.deepest(0, new HashSet<>());
        for (int function : notes.timerFunctions()) { // each runs on its own
            deepest = Math.max(deepest, budget.deepest(function, new HashSet<>()));
        }
        return deepest;
    }

    private void findCalls() {
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot) && insns.at(slot) instanceof Insn.CallLocal(var distance)) {
                calls.computeIfAbsent(graph.functionOf(slot), _ -> new HashSet<>())
                        .add(slot + 1 + distance);
            }
            if (insns.startsAt(slot)
                    && insns.at(slot) instanceof Insn.LoadWide(var _, Wide.Function(var target))
                    && !notes.runsLater(target)) {
                calls.computeIfAbsent(graph.functionOf(slot), _ -> new HashSet<>())
                        .add(target);
            }
        }
    }

    private int deepest(int function, Set<Integer> chain) {
        if (!chain.add(function)) {
            throw new Refused(Finding.of(
                    Cause.CALL_TOO_DEEP, "the function at slot " + function + " calls itself", "use a loop"));
        }
        int below = 0;
        for (int callee : calls.getOrDefault(function, Set.of())) {
            below = Math.max(below, deepest(callee, chain));
        }
        chain.remove(function);
        int own = notes.frameBytes(function);
        return below + (own + FRAME_UNIT - 1) / FRAME_UNIT * FRAME_UNIT;
    }
}

package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.object.ProgSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import java.util.TreeSet;

/** The static shape of a program: functions, successors, join points. Built only for programs whose shape is sound. */
final class FlowGraph {
    private final InsnList insns;
    private final int[] functionOf;
    private final Place[] places;
    private final BitSet jumps = new BitSet();
    private final TreeSet<Integer> functions = new TreeSet<>();

    private FlowGraph(InsnList insns) {
        this.insns = insns;
        this.functionOf = new int[insns.slots()];
        this.places = new Place[insns.slots()];
        Arrays.fill(places, Place.STRAIGHT);
    }

    /** How paths may meet before a slot. */
    enum Place {
        /** They need not be compared here. */
        STRAIGHT,
        JOIN,
        /** A helper that calls functions of the program: rounds may be cut short. */
        CALLBACKS,
        /** The next of an iterator: the same, while it may give something. */
        ITERATOR,
        /** The head of a loop with a budget, which only counts rounds that went through its body. */
        BUDGET;

        boolean isLoop() {
            return this == CALLBACKS || this == ITERATOR || this == BUDGET;
        }
    }

    /** A shape error, with its place. */
    static final class Malformed extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Finding finding;
        private final int slot;

        Malformed(int slot, Finding finding) {
            super(finding.why(), null, false, false);
            this.slot = slot;
            this.finding = finding;
        }

        int slot() {
            return slot;
        }

        Finding finding() {
            return finding;
        }
    }

    /** @throws Malformed when jumps, calls or ends are wrong, or something is unreachable */
    static FlowGraph of(ProgSpec prog) {
        FlowGraph graph = new FlowGraph(prog.insns());
        if (prog.insns().slots() == 0) {
            throw new Malformed(
                    0, Finding.of(Cause.EMPTY_PROGRAM, "there are no instructions", "recompile the object"));
        }
        graph.findFunctions(prog.functions());
        graph.checkEdges();
        graph.checkReachable();
        graph.findPlaces();
        return graph;
    }

    /** First slot of the function that {@code slot} is in. */
    int functionOf(int slot) {
        return functionOf[slot];
    }

    /** First slots of all functions, ascending. */
    TreeSet<Integer> functions() {
        return functions;
    }

    /** Whether paths are compared before {@code slot}. */
    Place place(int slot) {
        return places[slot];
    }

    /** Whether {@code slot} holds a jump, a call or an exit. */
    boolean isJump(int slot) {
        return jumps.get(slot);
    }

    /** Slots that may follow {@code slot} in the same function; a local call is followed by its return. */
    List<Integer> successors(int slot) {
        Insn insn = insns.at(slot);
        int next = slot + insn.slots();
        List<Integer> following = new ArrayList<>(2);
        if (insn.goesOn()) {
            following.add(next);
        }
        insn.jump().ifPresent(distance -> following.add(next + distance));
        return following;
    }

    private void findFunctions(List<ProgSpec.Function> declared) {
        functions.add(0);
        for (ProgSpec.Function function : declared) {
            if (insns.startsAt(function.firstSlot())) {
                functions.add(function.firstSlot());
            }
        }
        for (int slot = 0; slot < insns.slots(); slot++) {
            OptionalInt function = insns.startsAt(slot) ? insns.at(slot).function(slot) : OptionalInt.empty();
            if (function.isPresent() && !insns.startsAt(function.getAsInt())) {
                throw badJump(slot, function.getAsInt());
            }
            function.ifPresent(functions::add);
        }
        for (int slot = 0; slot < insns.slots(); slot++) {
            functionOf[slot] = functions.floor(slot);
        }
    }

    private void checkEdges() {
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (!insns.startsAt(slot)) {
                continue;
            }
            int next = slot + insns.at(slot).slots();
            for (int successor : successors(slot)) {
                checkEdge(slot, next, successor);
            }
        }
    }

    /** Paths are compared at conditional jumps, where jumps and calls lead, and behind calls. */
    private void findPlaces() {
        functions.tailSet(0, false).forEach(slot -> places[slot] = Place.JOIN);
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot)) {
                findPlaces(slot, insns.at(slot));
            }
        }
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot)) {
                Place head = LoopRules.place(insns.at(slot));
                places[slot] = head == Place.STRAIGHT ? places[slot] : head;
            }
        }
    }

    private void findPlaces(int slot, Insn insn) {
        int next = slot + insn.slots();
        switch (insn) {
            case Insn.Branch(var _, var _, var _, var _, short distance) -> {
                jumps.set(slot);
                places[slot] = Place.JOIN;
                places[next + distance] = Place.JOIN;
            }
            case Insn.MayGoto(short distance) -> {
                jumps.set(slot);
                places[next + distance] = Place.JOIN;
            }
            case Insn.Jump(var _, int distance) -> {
                jumps.set(slot);
                places[next + distance] = Place.JOIN;
            }
            case Insn.CallLocal _ -> {
                jumps.set(slot);
                places[next] = Place.JOIN;
            }
            case Insn.CallHelper _, Insn.CallKernelFunction _, Insn.Exit _ -> jumps.set(slot);
            case Insn.Alu _,
                    Insn.Neg _,
                    Insn.MoveSigned _,
                    Insn.CastAddress _,
                    Insn.Swap _,
                    Insn.LoadWide _,
                    Insn.Load _,
                    Insn.Store _,
                    Insn.Atomic _,
                    Insn.LoadAcquire _,
                    Insn.StoreRelease _,
                    Insn.Poison _ -> {}
        }
    }

    private void checkEdge(int slot, int next, int successor) {
        boolean inside = insns.startsAt(successor) && functionOf[successor] == functionOf[slot];
        if (inside) {
            return;
        }
        if (successor == next) {
            throw new Malformed(
                    slot,
                    Finding.of(
                            Cause.FALLS_OFF_END,
                            "the function ends here, but not with exit or a jump",
                            "end every function with a return"));
        }
        throw badJump(slot, successor);
    }

    private Malformed badJump(int slot, int target) {
        String where = target >= 0 && target < insns.slots() && !insns.startsAt(target)
                ? "the second half of an instruction"
                : "a place outside its function";
        return new Malformed(
                slot,
                Finding.of(Cause.BAD_JUMP, "the target, slot " + target + ", is " + where, "recompile the object"));
    }

    private void checkReachable() {
        BitSet seen = new BitSet();
        Deque<Integer> work = new ArrayDeque<>(List.of(0));
        while (!work.isEmpty()) {
            int slot = work.pop();
            if (seen.get(slot)) {
                continue;
            }
            seen.set(slot);
            List<Integer> following = new ArrayList<>(successors(slot));
            insns.at(slot).function(slot).ifPresent(following::add);
            work.addAll(following);
        }
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot) && !seen.get(slot)) {
                throw new Malformed(
                        slot,
                        Finding.of(Cause.UNREACHABLE, "no jump and no call leads here", "compile with optimisation"));
            }
        }
    }
}

package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.InsnList;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Reach;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where instructions begin. A second pass knows the first pass's places, which are upper bounds of its own distances,
 * because no code of the second pass is longer: a distance that fits a short jump there fits here.
 */
final class Layout {
    private static final int MAX_SHORT = 127;

    private final Label[] labels;
    private final Map<Integer, Label> entries = new HashMap<>();
    private final int[] starts;
    private final int[] firstPassStarts;
    private final Map<Integer, List<Gpr>> savedByFunction = new HashMap<>();
    private final Map<Integer, List<Gpr>> savedInFirstPass;

    private Layout(int slots, int[] firstPassStarts, Map<Integer, List<Gpr>> savedInFirstPass) {
        this.labels = new Label[slots];
        for (int slot = 0; slot < slots; slot++) {
            labels[slot] = new Label("instruction " + slot);
        }
        this.starts = new int[slots];
        this.firstPassStarts = firstPassStarts;
        this.savedInFirstPass = savedInFirstPass;
    }

    static Layout first(InsnList insns) {
        return new Layout(insns.slots(), new int[0], Map.of());
    }

    Layout second() {
        return new Layout(labels.length, starts, savedByFunction);
    }

    /** The entry of the function whose first instruction is at {@code slot}: before its prologue. */
    Label entry(int slot) {
        return entries.computeIfAbsent(slot, first -> new Label("function at " + first));
    }

    /** The code of the instruction at {@code slot}. */
    Label label(int slot) {
        return labels[slot];
    }

    void start(int slot, int position) {
        starts[slot] = position;
    }

    int startOf(int slot) {
        return starts[slot];
    }

    Reach reach(int from, int to) {
        if (firstPassStarts.length == 0) {
            return Reach.NEAR;
        }
        return to > from && firstPassStarts[to] - firstPassStarts[from] <= MAX_SHORT ? Reach.SHORT : Reach.ANY;
    }

    void usesInFunction(int firstSlot, List<Gpr> saved) {
        savedByFunction.put(firstSlot, saved);
    }

    /** What the function at {@code firstSlot} must save: everything in the first pass. */
    List<Gpr> savedIn(int firstSlot) {
        return savedInFirstPass.getOrDefault(firstSlot, RegisterMap.allCalleeSaved());
    }
}

package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import java.util.Optional;

/** Loops that the walk does not unroll: callbacks, iterators, {@code may_goto}. */
final class LoopRules {
    private LoopRules() {}

    /** Where rounds of a loop may be cut short once they teach nothing new. */
    static FlowGraph.Place place(Insn insn) {
        if (insn instanceof Insn.MayGoto) {
            return FlowGraph.Place.BUDGET;
        }
        if (insn instanceof Insn.CallKernelFunction(var name) && Iterators.isNext(name)) {
            return FlowGraph.Place.ITERATOR;
        }
        return Callbacks.isLoopHead(insn) ? FlowGraph.Place.CALLBACKS : FlowGraph.Place.STRAIGHT;
    }

    /** Numbers that changed since the last round, and did not matter so far, may be anything from now on. */
    static void widen(Step step, int head) {
        widen(step.walk.lastAt(head), step.state);
    }

    static void widen(Optional<AbstractState> earlier, AbstractState now) {
        if (earlier.isEmpty() || earlier.get().depth() != now.depth()) {
            return;
        }
        for (int depth = 0; depth < now.depth(); depth++) {
            Frame old = earlier.get().frame(depth);
            Frame frame = now.frame(depth);
            for (int reg = 0; reg < frame.registers.length; reg++) {
                frame.registers[reg] = widened(old.registers[reg], frame.registers[reg]);
            }
            for (int index = 0; index < Math.min(old.slotCount(), frame.slotCount()); index++) {
                StackSlot slot = frame.slot(index);
                if (slot.spilledBytes() == 8 && old.slot(index).spilledBytes() == 8) {
                    Value value = widened(old.slot(index).spilled(), slot.spilled());
                    if (value != slot.spilled()) {
                        frame.setSlot(index, slot.withValue(value));
                    }
                }
            }
        }
    }

    private static Value widened(Value old, Value now) {
        boolean changed = old instanceof Scalar before
                && now instanceof Scalar after
                && !before.origin().isPrecise()
                && !before.sameNumbers(after);
        return changed ? Scalar.UNKNOWN.withOrigin(((Scalar) now).origin()) : now;
    }

    /** {@code may_goto}: leave the loop, or go round once more. */
    static void mayGoto(Insn.MayGoto insn, Step step) {
        AbstractState round = step.fork(step.next());
        round.countMayGoto();
        widen(step.walk.lastAt(step.slot), round);
        step.walk.visit(step.slot);
        step.goTo(step.next() + insn.distance());
    }
}

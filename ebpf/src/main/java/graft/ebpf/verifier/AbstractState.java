package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Everything known at one point of one path: frames from the entry function inwards, and the records held. */
final class AbstractState {
    private final List<Frame> frames;
    private final List<Integer> references;

    AbstractState(Frame entry) {
        this.frames = new ArrayList<>(List.of(entry));
        this.references = new ArrayList<>();
    }

    private AbstractState(AbstractState other) {
        this.frames = new ArrayList<>(other.frames.size());
        for (Frame frame : other.frames) {
            frames.add(frame.copy());
        }
        this.references = new ArrayList<>(other.references);
    }

    AbstractState copy() {
        return new AbstractState(this);
    }

    Frame top() {
        return frames.getLast();
    }

    Frame frame(int index) {
        return frames.get(index);
    }

    int depth() {
        return frames.size();
    }

    void push(Frame frame) {
        frames.add(frame);
    }

    Frame pop() {
        return frames.removeLast();
    }

    Value get(Reg reg) {
        return top().registers[reg.number()];
    }

    void set(Reg reg, Value value) {
        top().registers[reg.number()] = value;
    }

    /** The references of the records held, oldest first. */
    List<Integer> references() {
        return references;
    }

    void acquire(int reference) {
        references.add(reference);
    }

    boolean release(int reference) {
        return references.remove(Integer.valueOf(reference));
    }

    /** Replaces every value, in registers and spilled, of all frames. {@code change} returns the same object for no change. */
    void replaceValues(UnaryOperator<Value> change) {
        for (Frame frame : frames) {
            for (int reg = 0; reg < frame.registers.length; reg++) {
                frame.registers[reg] = change.apply(frame.registers[reg]);
            }
            for (int index = 0; index < frame.slotCount(); index++) {
                StackSlot slot = frame.slot(index);
                if (slot.spilledBytes() > 0) {
                    Value changed = change.apply(slot.spilled());
                    if (changed != slot.spilled()) {
                        frame.setSlot(
                                index, changed == Value.Nothing.UNINITIALISED ? slot.plain() : slot.withValue(changed));
                    }
                }
            }
        }
    }
}

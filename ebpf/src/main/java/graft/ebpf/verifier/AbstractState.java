package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Everything known at one point of one path: frames from the entry function inwards, and the records held. */
final class AbstractState {
    private final List<Frame> frames;
    private final List<Integer> references;
    private int lock;
    private int callbacks;
    private int mayGotos;
    private int start;
    private int readLocks;
    private int preemptLocks;

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
        this.lock = other.lock;
        this.callbacks = other.callbacks;
        this.mayGotos = other.mayGotos;
        this.start = other.start;
        this.readLocks = other.readLocks;
        this.preemptLocks = other.preemptLocks;
    }

    /** The spin lock held, {@link LockRules#NONE} for none. */
    int lock() {
        return lock;
    }

    void lock(int name) {
        lock = name;
    }

    int readLocks() {
        return readLocks;
    }

    void readLocks(int count) {
        readLocks = count;
    }

    int preemptLocks() {
        return preemptLocks;
    }

    void preemptLocks(int count) {
        preemptLocks = count;
    }

    void countCallback() {
        callbacks++;
    }

    void countMayGoto() {
        mayGotos++;
    }

    /** Numbers walks that begin on their own: what leads to them says nothing about them. */
    void start(int number) {
        start = number;
    }

    boolean sameStart(AbstractState other) {
        return start == other.start;
    }

    /** Whether loops with a budget of their own stand at the same round. */
    boolean sameRounds(AbstractState other) {
        return callbacks == other.callbacks && mayGotos == other.mayGotos;
    }

    boolean sameLocks(AbstractState other) {
        return (lock == LockRules.NONE) == (other.lock == LockRules.NONE)
                && (lock > LockRules.NONE || lock == other.lock)
                && readLocks == other.readLocks
                && preemptLocks == other.preemptLocks;
    }

    /** Makes every number one that is kept, so that it can be found out later whether it mattered. */
    void keepNumbers() {
        replaceValues(
                value -> value instanceof Scalar scalar ? scalar.withOrigin(Origin.kept(scalar.origin())) : value);
    }

    /** A copy of this was remembered. */
    void isKept() {
        frames.forEach(Frame::isKept);
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

package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.Arrays;

/** Registers and stack of one function call. Slot 0 of the stack is the one below r10. */
final class Frame {
    static final int STACK_BYTES = 512;
    /** {@code returnTo} of the entry function. */
    static final int NO_RETURN = -1;

    private static final int REGISTERS = 11;
    private static final long ALL = -1;

    final int index;
    final int function;
    final int returnTo;
    final Value[] registers;
    private StackSlot[] slots;
    private long overwritten = ALL;
    private int callback;
    private long rounds;

    Frame(int function, int returnTo, int depth) {
        this.index = depth;
        this.function = function;
        this.returnTo = returnTo;
        this.registers = new Value[REGISTERS];
        Arrays.fill(registers, Value.Nothing.UNINITIALISED);
        registers[Reg.R10.number()] = Pointer.to(new Value.Region.Stack(depth));
        this.slots = new StackSlot[0];
    }

    private Frame(Frame other) {
        this.index = other.index;
        this.function = other.function;
        this.returnTo = other.returnTo;
        this.registers = other.registers.clone();
        this.slots = other.slots.clone();
        this.overwritten = other.overwritten;
        this.callback = other.callback;
        this.rounds = other.rounds;
    }

    /** The helper that called this function, 0 when the program did. */
    int callback() {
        return callback;
    }

    void callback(int helper) {
        callback = helper;
    }

    /** Rounds of the callback that this function's helper call has made so far. */
    long rounds() {
        return rounds;
    }

    void rounds(long count) {
        rounds = count;
    }

    void countRound() {
        rounds++;
    }

    Frame copy() {
        return new Frame(this);
    }

    /** How many slots were ever touched. */
    int slotCount() {
        return slots.length;
    }

    StackSlot slot(int index) {
        return index < slots.length ? slots[index] : StackSlot.EMPTY;
    }

    void setSlot(int number, StackSlot slot) {
        if (number >= slots.length) {
            int old = slots.length;
            slots = Arrays.copyOf(slots, number + 1);
            Arrays.fill(slots, old, slots.length, StackSlot.EMPTY);
        }
        slots[number] = slot;
    }

    /** Sets a slot to something that does not depend on what was there. */
    void overwrite(int number, StackSlot slot) {
        overwritten |= 1L << number;
        setSlot(number, slot);
    }

    /** Slots that hold nothing from before this frame, or from before the last kept state, one bit each. */
    long overwritten() {
        return overwritten;
    }

    /** From now on everything comes from a kept state. */
    void isKept() {
        overwritten = 0;
    }
}

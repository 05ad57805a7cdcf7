package graft.cli.fuzz;

import graft.ebpf.insn.Reg;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** What a generator believes that registers and the eight slots below r10 hold. It may be wrong now and then, on purpose. */
final class Belief {
    /** Slots of the stack that are kept track of, the first one directly below r10. */
    static final int SLOTS = 8;

    private static final int REGISTERS = 10;

    private final Kind[] registers;
    private final Kind[] slots;

    /** What a register or a slot holds. */
    enum Kind {
        NOTHING,
        NUMBER,
        /** A number that is small enough to be an index. */
        SMALL,
        CONTEXT,
        /** A map's value. */
        VALUE,
        VALUE_OR_NULL,
        RECORD,
        RECORD_OR_NULL,
        /** 64 bytes of a caller's stack. */
        FRAME;

        boolean isNumber() {
            return this == NUMBER || this == SMALL;
        }
    }

    private Belief(Kind[] registers, Kind[] slots) {
        this.registers = registers;
        this.slots = slots;
    }

    static Belief empty() {
        Kind[] registers = new Kind[REGISTERS];
        Kind[] slots = new Kind[SLOTS];
        Arrays.fill(registers, Kind.NOTHING);
        Arrays.fill(slots, Kind.NOTHING);
        return new Belief(registers, slots);
    }

    Belief copy() {
        return new Belief(registers.clone(), slots.clone());
    }

    Kind of(Reg reg) {
        return registers[reg.number()];
    }

    void set(Reg reg, Kind kind) {
        registers[reg.number()] = kind;
    }

    Kind slot(int number) {
        return slots[number];
    }

    void setSlot(int number, Kind kind) {
        slots[number] = kind;
    }

    List<Reg> registers(Kind kind) {
        return IntStream.range(0, REGISTERS)
                .filter(number -> registers[number] == kind)
                .mapToObj(Reg::of)
                .toList();
    }

    Optional<Reg> any(Kind kind, Choice choose) {
        List<Reg> found = registers(kind);
        return found.isEmpty() ? Optional.empty() : Optional.of(choose.of(found));
    }

    List<Integer> slots(Kind kind) {
        return IntStream.range(0, SLOTS)
                .filter(number -> slots[number] == kind)
                .boxed()
                .toList();
    }

    /** A call forgets r1 to r5, and r0 is {@code result}. */
    void called(Kind result) {
        Arrays.fill(registers, 1, 6, Kind.NOTHING);
        registers[0] = result;
    }

    /** Everything of one kind becomes another: a null check settles all copies, a release ends them. */
    void replace(Kind from, Kind to) {
        Arrays.setAll(registers, number -> registers[number] == from ? to : registers[number]);
        Arrays.setAll(slots, number -> slots[number] == from ? to : slots[number]);
    }

    /** What holds on both of two ways. */
    void meet(Belief other) {
        Arrays.setAll(registers, number -> both(registers[number], other.registers[number]));
        Arrays.setAll(slots, number -> both(slots[number], other.slots[number]));
    }

    private static Kind both(Kind one, Kind other) {
        if (one == other) {
            return one;
        }
        return one.isNumber() && other.isNumber() ? Kind.NUMBER : Kind.NOTHING;
    }
}

package graft.ebpf.insn;

import java.util.ArrayList;
import java.util.List;

/** An immutable instruction sequence, addressed by slot. The second slot of a {@link Insn.LoadWide} holds no instruction. */
public final class InsnList {
    private final List<Insn> insns;
    private final Insn[] bySlot;

    private InsnList(List<Insn> insns) {
        this.insns = List.copyOf(insns);
        List<Insn> slots = new ArrayList<>();
        for (Insn insn : this.insns) {
            slots.add(insn);
            for (int extra = 1; extra < insn.slots(); extra++) {
                slots.add(null);
            }
        }
        this.bySlot = slots.toArray(Insn[]::new);
    }

    public static InsnList of(List<Insn> insns) {
        return new InsnList(insns);
    }

    public static InsnList of(Insn... insns) {
        return new InsnList(List.of(insns));
    }

    /** Number of 8-byte slots. */
    public int slots() {
        return bySlot.length;
    }

    /** Whether {@code slot} is in range and is the first slot of an instruction. */
    public boolean startsAt(int slot) {
        return slot >= 0 && slot < bySlot.length && bySlot[slot] != null;
    }

    /** The instruction whose first slot is {@code slot}. */
    public Insn at(int slot) {
        if (!startsAt(slot)) {
            throw new IndexOutOfBoundsException("no instruction starts at slot " + slot + " of " + bySlot.length);
        }
        return bySlot[slot];
    }

    /** The instructions in order, without their slots. */
    public List<Insn> insns() {
        return insns;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof InsnList list && insns.equals(list.insns);
    }

    @Override
    public int hashCode() {
        return insns.hashCode();
    }
}

package graft.ebpf.jit.ir;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.ebpf.verifier.Facts;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Loads, operations and stores that together change a number in a value of the processor's own, as {@code *v += 1} does.
 * In the kernel nothing comes in between. A thread of a process can lose its processor there, to another that changes the
 * same number, and go on beside it on another processor. So the three become one atomic operation, at the place of the
 * second.
 *
 * <p>Within a block, while registers keep what they hold and nothing else works on the same memory.
 */
final class OwnValueChanges {
    private final InsnList insns;
    private final Facts.OwnValues own;
    private final Map<Integer, Change> changes = new HashMap<>();
    private final BitSet stores = new BitSet();

    /** What registers hold that was loaded, or computed from that. */
    private final Map<Reg, Held> held = new EnumMap<>(Reg.class);

    private OwnValueChanges(InsnList insns, Facts.OwnValues own) {
        this.insns = insns;
        this.own = own;
    }

    /** The number at one place. */
    record Source(MemSize size, Reg base, short offset) {
        private boolean isBeside(Reg other, int start, int bytes) {
            return base == other && (offset + size.bytes() <= start || start + bytes <= offset);
        }
    }

    /**
     * One change.
     *
     * @param loaded the register that holds the number
     * @param others what else holds it
     */
    record Change(Source source, Insn.Alu operation, Reg loaded, List<Reg> others) {}

    private record Held(Source source, Optional<Integer> operation) {}

    /** In the instructions from {@code from} to {@code to}; blocks begin at {@code leaders}. */
    static OwnValueChanges of(InsnList insns, Facts.OwnValues own, BitSet leaders, int from, int to) {
        OwnValueChanges changes = new OwnValueChanges(insns, own);
        int first = own.aligned().nextSetBit(from);
        if (first < 0 || first >= to) {
            return changes;
        }
        Map<Integer, Change> candidates = new HashMap<>();
        for (int slot = from; slot < to; slot++) {
            if (leaders.get(slot)) {
                changes.held.clear();
            }
            if (insns.startsAt(slot)) {
                changes.step(slot, insns.at(slot), candidates);
            }
        }
        return changes;
    }

    /** What begins with the operation at {@code slot}. */
    Optional<Change> at(int slot) {
        return changes.isEmpty() ? Optional.empty() : Optional.ofNullable(changes.get(slot));
    }

    /** Whether the store at {@code slot} is part of a change, and done already. */
    boolean isDone(int slot) {
        return stores.get(slot);
    }

    private void step(int slot, Insn insn, Map<Integer, Change> candidates) {
        switch (insn) {
            case Insn.Load load -> load(slot, load);
            case Insn.Store store -> store(slot, store, candidates);
            case Insn.Alu(AluOp op, Width width, Reg dst, Operand.Src(Reg src))
            when op == AluOp.MOV && width == Width.W64 -> copy(dst, src);
            case Insn.Alu alu -> operation(slot, alu, candidates);
            case Insn.Neg(var _, Reg dst) -> forget(dst);
            case Insn.MoveSigned(var _, var _, Reg dst, var _) -> forget(dst);
            case Insn.Swap(var _, var _, Reg dst) -> forget(dst);
            case Insn.LoadWide(Reg dst, var _) -> forget(dst);
            case Insn.CastAddress _,
                    Insn.Atomic _,
                    Insn.LoadAcquire _,
                    Insn.StoreRelease _,
                    Insn.Jump _,
                    Insn.Branch _,
                    Insn.MayGoto _,
                    Insn.CallHelper _,
                    Insn.CallLocal _,
                    Insn.CallKernelFunction _,
                    Insn.Exit _,
                    Insn.Poison _ -> held.clear();
        }
    }

    private void load(int slot, Insn.Load load) {
        if (own.accesses().get(slot)) {
            // A number that is changed earlier than the program says must not be seen before that.
            held.values()
                    .removeIf(one -> one.operation().isPresent()
                            && !one.source()
                                    .isBeside(
                                            load.base(),
                                            load.offset(),
                                            load.size().bytes()));
        }
        forget(load.dst());
        boolean whole = load.size() == MemSize.W || load.size() == MemSize.DW;
        if (own.aligned().get(slot) && whole && load.extension() == Extension.ZERO && load.dst() != load.base()) {
            Source source = new Source(load.size(), load.base(), load.offset());
            held.put(load.dst(), new Held(source, Optional.empty()));
        }
    }

    private void store(int slot, Insn.Store store, Map<Integer, Change> candidates) {
        if (!own.accesses().get(slot)) {
            return;
        }
        Source to = new Source(store.size(), store.base(), store.offset());
        if (own.aligned().get(slot)
                && store.value() instanceof Operand.Src(Reg reg)
                && held.get(reg) instanceof Held(Source source, Optional<Integer> operation)
                && operation.isPresent()
                && source.equals(to)) {
            changes.put(operation.get(), candidates.get(operation.get()));
            stores.set(slot);
        }
        held.values()
                .removeIf(one -> !one.source()
                        .isBeside(store.base(), store.offset(), store.size().bytes()));
    }

    private void copy(Reg dst, Reg src) {
        Optional<Held> copied = Optional.ofNullable(held.get(src));
        forget(dst);
        copied.filter(one -> one.operation().isEmpty() && one.source().base() != dst)
                .ifPresent(one -> held.put(dst, one));
    }

    private void operation(int slot, Insn.Alu alu, Map<Integer, Change> candidates) {
        Optional<Change> change = change(alu);
        forget(alu.dst());
        if (change.isPresent() && change.get().source().base() != alu.dst()) {
            candidates.put(slot, change.get());
            held.put(alu.dst(), new Held(change.get().source(), Optional.of(slot)));
        }
    }

    /** The change that an operation is a part of if its result is stored. */
    private Optional<Change> change(Insn.Alu alu) {
        boolean both = alu.op() == AluOp.ADD || alu.op() == AluOp.AND || alu.op() == AluOp.OR || alu.op() == AluOp.XOR;
        if (!both && alu.op() != AluOp.SUB) {
            return Optional.empty();
        }
        Optional<Source> left = source(alu.dst());
        Optional<Source> right = alu.src() instanceof Operand.Src(Reg reg) ? source(reg) : Optional.empty();
        if (left.isPresent() && right.isEmpty()) {
            return change(alu, left.get(), alu.dst());
        }
        return both && left.isEmpty() && right.isPresent() && alu.src() instanceof Operand.Src(Reg reg)
                ? change(alu, right.get(), reg)
                : Optional.empty();
    }

    private Optional<Change> change(Insn.Alu alu, Source source, Reg loaded) {
        if (source.size() == MemSize.DW && alu.width() == Width.W32) {
            return Optional.empty();
        }
        List<Reg> others = new ArrayList<>();
        for (Map.Entry<Reg, Held> entry : held.entrySet()) {
            Held one = entry.getValue();
            if (entry.getKey() != alu.dst()
                    && one.operation().isEmpty()
                    && one.source().equals(source)) {
                others.add(entry.getKey());
            }
        }
        return Optional.of(new Change(source, alu, loaded, others));
    }

    private Optional<Source> source(Reg reg) {
        return Optional.ofNullable(held.get(reg))
                .filter(one -> one.operation().isEmpty())
                .map(Held::source);
    }

    private void forget(Reg reg) {
        held.remove(reg);
        held.values().removeIf(one -> one.source().base() == reg);
    }
}

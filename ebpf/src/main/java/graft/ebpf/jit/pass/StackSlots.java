package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.UnaryOp;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes variables of those parts of the frame that are only loaded and stored as one whole, never by address. */
final class StackSlots implements Pass {
    /** Bytes of the frame from {@code offset} on. */
    private record Slot(int offset, MemSize size) {
        boolean overlaps(Slot other) {
            return offset < other.offset + other.size.bytes() && other.offset < offset + size.bytes();
        }
    }

    @Override
    public void run(Flow flow) {
        Set<Slot> slots = new LinkedHashSet<>();
        Set<Slot> fixed = new HashSet<>();
        int escaped = Escape.NOWHERE;
        boolean calls = false;
        for (Block block : flow.blocks()) {
            for (Op op : block.ops()) {
                Escape escape = Escape.of(op);
                escaped = Math.min(escaped, escape.from());
                calls |= op instanceof Op.Call(Op.Call.Target target, var _) && target.runsFunction();
                slot(op).ifPresent(slot -> (op instanceof Op.Atomic ? fixed : slots).add(slot));
            }
        }
        if (escaped == Escape.EVERYTHING || calls && escaped != Escape.NOWHERE) {
            return;
        }
        int from = escaped;
        Map<Slot, Var> vars = new HashMap<>();
        for (Slot slot : slots) {
            boolean alone = slots.stream().noneMatch(other -> !other.equals(slot) && other.overlaps(slot));
            boolean inReach = slot.offset() + slot.size().bytes() > from;
            if (alone && !inReach && fixed.stream().noneMatch(slot::overlaps)) {
                vars.put(slot, flow.newVar());
            }
        }
        flow.blocks().forEach(block -> block.ops().replaceAll(op -> replaced(op, vars)));
    }

    /**
     * From which frame offset on somebody else may read and write.
     *
     * @param from {@link #NOWHERE} when nobody does; 0, the end of the frame, is a place that a callee can count from
     */
    private record Escape(int from) {
        static final int EVERYTHING = Integer.MIN_VALUE;
        static final int NOWHERE = Integer.MAX_VALUE;

        static Escape of(Op op) {
            return switch (op) {
                case Op.Move(Var dst, Value.FrameAddress(int offset)) ->
                    new Escape(dst.isFixed() ? offset : EVERYTHING);
                case Op.Lea lea -> indexed(lea.place(), true);
                case Op.Load load -> indexed(load.place(), false);
                case Op.Store store -> indexed(store.place(), false);
                case Op.Atomic atomic -> indexed(atomic.place(), false);
                default -> new Escape(NOWHERE); // no address
            };
        }

        private static Escape indexed(Place place, boolean address) {
            boolean frame = place.base() instanceof Value.FrameAddress;
            return new Escape(frame && (address || place.index().isPresent()) ? EVERYTHING : NOWHERE);
        }
    }

    private static Optional<Slot> slot(Op op) {
        return switch (op) {
            case Op.Load load -> load.place().frameOffset().map(offset -> new Slot(offset, load.size()));
            case Op.Store store -> store.place().frameOffset().map(offset -> new Slot(offset, store.size()));
            case Op.Atomic atomic -> atomic.place().frameOffset().map(offset -> new Slot(offset, atomic.size()));
            default -> Optional.empty(); // no memory
        };
    }

    private static Op replaced(Op op, Map<Slot, Var> vars) {
        Optional<Var> var = slot(op).map(vars::get);
        if (var.isEmpty()) {
            return op;
        }
        return switch (op) {
            case Op.Load load -> load(load, var.get());
            case Op.Store store -> store(store, var.get());
            default -> op; // atomics are never replaced
        };
    }

    private static Op load(Op.Load load, Var var) {
        if (load.extension() == Extension.ZERO) {
            return new Op.Move(load.dst(), var);
        }
        UnaryOp extend = switch (load.size()) {
            case B -> UnaryOp.SIGN_EXTEND_8;
            case H -> UnaryOp.SIGN_EXTEND_16;
            case W, DW -> UnaryOp.SIGN_EXTEND_32;
        };
        return new Op.Unary(extend, load.dst(), var);
    }

    private static Op store(Op.Store store, Var var) {
        if (store.value() instanceof Value.Constant(long value)) {
            long mask =
                    store.size() == MemSize.DW ? -1 : (1L << 8 * store.size().bytes()) - 1;
            return new Op.Move(var, new Value.Constant(value & mask));
        }
        Var value = (Var) store.value();
        return switch (store.size()) {
            case DW -> new Op.Move(var, value);
            case W -> new Op.Unary(UnaryOp.ZERO_EXTEND_32, var, value);
            case H -> new Op.Unary(UnaryOp.ZERO_EXTEND_16, var, value);
            case B -> new Op.Binary(AluOp.AND, Width.W32, var, value, new Value.Constant(0xff));
        };
    }
}

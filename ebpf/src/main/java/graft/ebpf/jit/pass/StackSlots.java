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
import java.util.List;
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
        Uses uses = new Uses();
        for (Block block : flow.blocks()) {
            List<Op> ops = block.ops();
            for (int at = 0; at < ops.size(); at++) {
                uses.add(ops.get(at));
            }
        }
        Map<Slot, Var> vars = new HashMap<>();
        for (Slot slot : uses.replaceable()) {
            vars.put(slot, flow.newVar());
        }
        if (!vars.isEmpty()) {
            flow.blocks().forEach(block -> block.ops().replaceAll(op -> replaced(op, vars)));
        }
    }

    /** What a function does with its frame. */
    private static final class Uses {
        private static final int EVERYTHING = Integer.MIN_VALUE;
        private static final int NOWHERE = Integer.MAX_VALUE;

        private final Set<Slot> slots = new LinkedHashSet<>();
        private final Set<Slot> fixed = new HashSet<>();
        private boolean calls;

        /**
         * From which frame offset on somebody else may read and write, {@link #NOWHERE} when nobody does; 0, the end of the
         * frame, is a place that a callee can count from.
         */
        private int escaped = NOWHERE;

        void add(Op op) {
            switch (op) {
                case Op.Move(Var dst, Value.FrameAddress(int offset)) -> escape(dst.isFixed() ? offset : EVERYTHING);
                case Op.Lea lea when isFrame(lea.place()) -> escape(EVERYTHING);
                case Op.Load load when isFrame(load.place()) -> access(load.place(), load.size(), slots);
                case Op.Store store when isFrame(store.place()) -> access(store.place(), store.size(), slots);
                case Op.Atomic atomic when isFrame(atomic.place()) -> access(atomic.place(), atomic.size(), fixed);
                case Op.TriedLoad
                        _ -> {} // its address is a variable: that of the frame was noted where it was put there
                case Op.Call call -> calls |= call.target().runsFunction();
                default -> {} // not of the frame
            }
        }

        private static boolean isFrame(Place place) {
            return place.base() instanceof Value.FrameAddress;
        }

        private void escape(int from) {
            escaped = Math.min(escaped, from);
        }

        private void access(Place place, MemSize size, Set<Slot> accessed) {
            place.frameOffset()
                    .ifPresentOrElse(offset -> accessed.add(new Slot(offset, size)), () -> escape(EVERYTHING));
        }

        List<Slot> replaceable() {
            if (slots.isEmpty() || escaped == EVERYTHING || calls && escaped != NOWHERE) {
                return List.of();
            }
            return slots.stream().filter(this::isReplaceable).toList();
        }

        private boolean isReplaceable(Slot slot) {
            boolean alone = slots.stream().noneMatch(other -> !other.equals(slot) && other.overlaps(slot));
            boolean inReach = slot.offset() + slot.size().bytes() > escaped;
            return alone && !inReach && fixed.stream().noneMatch(slot::overlaps);
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

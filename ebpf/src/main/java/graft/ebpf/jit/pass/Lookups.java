package graft.ebpf.jit.pass;

import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.Set;

/** An array element at a known key is a known address, and comparing it with 0 has a known outcome. */
final class Lookups implements Rewrite {
    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.ArrayLookup.class, Op.If.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        return switch (op) {
            case Op.ArrayLookup lookup ->
                known.constant(lookup.key())
                        .map(key -> found(lookup, element(lookup.map(), key, known.binding())))
                        .orElse(op);
            case Op.If branch
            when isNullCheck(branch)
                    && known.definition(branch.condition().left()).orElse(null) instanceof Op.Pure pure
                    && isElement(pure) ->
                new Op.Goto(branch.condition().op() == JumpOp.JEQ ? branch.no() : branch.yes());
            default -> op; // no lookup
        };
    }

    private static Op found(Op.ArrayLookup lookup, Value element) {
        return lookup.row().isPresent() && element instanceof Value.Symbol
                ? new Op.Lea(Width.W64, lookup.dst(), new Place(element, lookup.row(), 1, 0))
                : new Op.Move(lookup.dst(), element);
    }

    private static boolean isElement(Op.Pure op) {
        return switch (op) {
            case Op.Move(Var _, Value.Symbol(Wide.MapValue _)) -> true;
            case Op.Lea(var width, Var _, Place(Value.Symbol(Wide.MapValue _), var _, var _, var _)) ->
                width == Width.W64;
            default -> false; // may be 0
        };
    }

    static boolean isNullCheck(Op.If branch) {
        return branch.condition().width() == Width.W64
                && (branch.condition().op() == JumpOp.JEQ || branch.condition().op() == JumpOp.JNE)
                && branch.condition().right().equals(new Value.Constant(0));
    }

    private static Value element(String map, long key, TargetBinding binding) {
        MapBinding bound = binding.maps().get(map);
        long index = key & 0xffff_ffffL;
        return index < bound.maxEntries()
                ? new Value.Symbol(new Wide.MapValue(map, index * bound.stride()))
                : new Value.Constant(0);
    }
}

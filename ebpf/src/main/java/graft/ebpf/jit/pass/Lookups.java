package graft.ebpf.jit.pass;

import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;

/** An array element at a known key is a known address, and comparing it with 0 has a known outcome. */
final class Lookups implements Rewrite {
    private final TargetBinding binding;

    Lookups(TargetBinding binding) {
        this.binding = binding;
    }

    @Override
    public Op apply(Op op, Known known) {
        return switch (op) {
            case Op.ArrayLookup lookup ->
                known.constant(lookup.key())
                        .<Op>map(key -> new Op.Move(lookup.dst(), element(lookup.map(), key)))
                        .orElse(op);
            case Op.If branch
            when isNullCheck(branch)
                    && known.definition(branch.condition().left()).orElse(null)
                            instanceof Op.Move(Var _, Value.Symbol(Wide.MapValue _)) ->
                new Op.Goto(branch.condition().op() == JumpOp.JEQ ? branch.no() : branch.yes());
            default -> op; // no lookup
        };
    }

    static boolean isNullCheck(Op.If branch) {
        return branch.condition().width() == Width.W64
                && (branch.condition().op() == JumpOp.JEQ || branch.condition().op() == JumpOp.JNE)
                && branch.condition().right().equals(new Value.Constant(0));
    }

    private Value element(String map, long key) {
        MapBinding bound = binding.maps().get(map);
        long index = key & 0xffff_ffffL;
        return index < bound.maxEntries()
                ? new Value.Symbol(new Wide.MapValue(map, index * bound.stride()))
                : new Value.Constant(0);
    }
}

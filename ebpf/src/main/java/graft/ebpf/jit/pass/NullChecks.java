package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.List;
import java.util.Optional;

/** A lookup in an array that is compared with 0 at once: the comparison of the key with the array's size is enough. */
final class NullChecks implements Pass {
    private final TargetBinding binding;

    NullChecks(TargetBinding binding) {
        this.binding = binding;
    }

    @Override
    public void run(Flow flow) {
        Liveness liveness = Liveness.of(flow);
        for (Block block : flow.blocks()) {
            List<Op> ops = block.ops();
            if (ops.size() >= 2
                    && ops.get(ops.size() - 2) instanceof Op.ArrayLookup lookup
                    && block.last() instanceof Op.If branch
                    && Lookups.isNullCheck(branch)
                    && branch.condition().left().equals(lookup.dst())
                    && !lookup.key().equals(lookup.dst())) {
                Block missing = branch.condition().op() == JumpOp.JEQ ? branch.yes() : branch.no();
                if (!liveness.before(missing).contains(lookup.dst().number())) {
                    replace(flow, block, lookup, branch);
                }
            }
        }
    }

    private void replace(Flow flow, Block block, Op.ArrayLookup lookup, Op.If branch) {
        MapBinding map = binding.maps().get(lookup.map());
        boolean scaled = map.stride() <= 8 && Integer.bitCount(map.stride()) == 1;
        Var index = scaled ? lookup.key() : flow.newVar();
        Value base = new Value.Symbol(new Wide.MapValue(lookup.map(), 0));
        block.ops().removeLast();
        block.ops().removeLast();
        if (!scaled) {
            block.ops().add(new Op.Binary(AluOp.MUL, Width.W64, index, lookup.key(), new Value.Constant(map.stride())));
        }
        Place element = new Place(base, Optional.of(index), scaled ? map.stride() : 1, 0);
        Var address = lookup.row().isPresent() ? flow.newVar() : lookup.dst();
        block.ops().add(new Op.Lea(Width.W64, address, element));
        lookup.row().ifPresent(row -> block.ops().add(new Op.Binary(AluOp.ADD, Width.W64, lookup.dst(), address, row)));
        JumpOp outside = branch.condition().op() == JumpOp.JEQ ? JumpOp.JGE : JumpOp.JLT;
        Condition condition = new Condition(outside, Width.W32, lookup.key(), new Value.Constant(map.maxEntries()));
        block.ops().add(new Op.If(condition, branch.yes(), branch.no()));
    }
}

package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import java.util.BitSet;
import java.util.ListIterator;

/** Takes out what nothing reads. */
final class DeadCode implements Pass {
    @Override
    public void run(Flow flow) {
        boolean changed = true;
        while (changed) {
            changed = false;
            Liveness liveness = Liveness.of(flow);
            for (Block block : flow.blocks()) {
                changed |= clean(block, liveness.after(block));
            }
        }
    }

    private static boolean clean(Block block, BitSet live) {
        boolean changed = false;
        ListIterator<Op> ops = block.ops().listIterator(block.ops().size());
        while (ops.hasPrevious()) {
            Op op = ops.previous();
            boolean dead = op instanceof Op.Pure pure && !live.get(pure.dst().number());
            boolean idle = op instanceof Op.Move move && move.src().equals(move.dst());
            if (dead || idle) {
                ops.remove();
                changed = true;
            } else {
                Liveness.step(op, live);
            }
        }
        return changed;
    }
}

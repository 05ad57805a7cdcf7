package graft.ebpf.jit.pass;

import graft.ebpf.insn.AtomicOp;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import java.util.BitSet;
import java.util.ListIterator;
import java.util.Optional;

/** Takes out what nothing reads, and fetches. What only that read in other blocks goes when the pass runs again. */
final class DeadCode implements Pass {
    @Override
    public void run(Flow flow) {
        Liveness liveness = Liveness.of(flow);
        flow.blocks().forEach(block -> clean(block, liveness.after(block)));
    }

    private static void clean(Block block, BitSet live) {
        ListIterator<Op> ops = block.ops().listIterator(block.ops().size());
        while (ops.hasPrevious()) {
            Op op = ops.previous();
            boolean dead = op instanceof Op.Pure pure && !live.get(pure.dst().number());
            boolean idle = op instanceof Op.Move move && move.src().equals(move.dst());
            if (dead || idle) {
                ops.remove();
                continue;
            }
            if (op instanceof Op.Atomic atomic && fetchesForNothing(atomic, live)) {
                op = new Op.Atomic(atomic.op(), atomic.size(), atomic.place(), atomic.operand(), Optional.empty());
                ops.set(op);
            }
            Liveness.step(op, live);
        }
    }

    private static boolean fetchesForNothing(Op.Atomic op, BitSet live) {
        boolean unread = op.old().isPresent() && !live.get(op.old().get().number());
        return unread && op.op() != AtomicOp.XCHG && op.op() != AtomicOp.CMPXCHG;
    }
}

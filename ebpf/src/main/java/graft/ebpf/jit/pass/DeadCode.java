package graft.ebpf.jit.pass;

import graft.ebpf.insn.AtomicOp;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.VarSet;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Takes out what nothing reads, and fetches. What only that read in other blocks goes when the pass runs again. */
final class DeadCode implements Pass {
    @Override
    public void run(Flow flow) {
        Liveness liveness = Liveness.of(flow);
        for (Block block : flow.blocks()) {
            clean(block, liveness.after(block));
        }
    }

    private static void clean(Block block, VarSet live) {
        List<Op> ops = block.ops();
        Op[] kept = new Op[ops.size()];
        int first = kept.length;
        for (int at = kept.length - 1; at >= 0; at--) {
            Op op = ops.get(at);
            if (isIdle(op, live)) {
                continue;
            }
            if (op instanceof Op.Atomic atomic && fetchesForNothing(atomic, live)) {
                op = new Op.Atomic(atomic.op(), atomic.size(), atomic.place(), atomic.operand(), Optional.empty());
                ops.set(at, op);
            }
            kept[--first] = op;
            Liveness.step(op, live);
        }
        if (first > 0) {
            ops.clear();
            ops.addAll(Arrays.asList(kept).subList(first, kept.length));
        }
    }

    private static boolean isIdle(Op op, VarSet live) {
        int def = Op.def(op);
        return def != Op.NONE && !live.contains(def) && op instanceof Op.Pure
                || op instanceof Op.Move move && move.src().equals(move.dst());
    }

    private static boolean fetchesForNothing(Op.Atomic op, VarSet live) {
        boolean unread = op.old().isPresent() && !live.contains(op.old().get().number());
        return unread && op.op() != AtomicOp.XCHG && op.op() != AtomicOp.CMPXCHG;
    }
}

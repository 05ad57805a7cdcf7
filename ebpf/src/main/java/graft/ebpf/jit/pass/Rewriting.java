package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.ListIterator;

/**
 * One walk over a function that applies rewrites, each to what the one before it made. The first is for all operations; the
 * others have nothing to do with copies, calls and jumps without a condition, which are a third of all.
 */
final class Rewriting implements Pass {
    private final Rewrite first;
    private final Rewrite[] others;

    Rewriting(Rewrite first, Rewrite... others) {
        this.first = first;
        this.others = others.clone();
    }

    @Override
    public void run(Flow flow) {
        Known known = new Known(flow);
        for (Block block : Order.of(flow).blocks()) {
            known.enterBlock();
            ListIterator<Op> ops = block.ops().listIterator();
            while (ops.hasNext()) {
                Op before = ops.next();
                Op op = first.apply(before, known);
                if (!isPlain(op)) {
                    for (Rewrite rewrite : others) {
                        op = rewrite.apply(op, known);
                    }
                }
                if (op != before) {
                    ops.set(op);
                }
                known.step(op);
            }
        }
    }

    private static boolean isPlain(Op op) {
        return op instanceof Op.Move
                || op instanceof Op.Call
                || op instanceof Op.Goto
                || op instanceof Op.MayGoto
                || op instanceof Op.Exit;
    }
}

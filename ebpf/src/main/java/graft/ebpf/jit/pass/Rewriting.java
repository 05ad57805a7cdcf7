package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.List;
import java.util.ListIterator;

/** One walk over a function that applies rewrites, each to what the one before it made. */
final class Rewriting implements Pass {
    private final List<Rewrite> rewrites;

    Rewriting(Rewrite... rewrites) {
        this.rewrites = List.of(rewrites);
    }

    @Override
    public void run(Flow flow) {
        Known known = new Known(flow);
        for (Block block : Order.of(flow).blocks()) {
            known.enterBlock();
            ListIterator<Op> ops = block.ops().listIterator();
            while (ops.hasNext()) {
                Op before = ops.next();
                Op op = before;
                for (Rewrite rewrite : rewrites) {
                    op = rewrite.apply(op, known);
                }
                if (op != before) {
                    ops.set(op);
                }
                known.step(op);
            }
        }
    }
}

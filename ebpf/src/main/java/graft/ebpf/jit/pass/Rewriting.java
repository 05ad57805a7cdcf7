package graft.ebpf.jit.pass;

import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One walk over a function that applies rewrites, each to what the one before it made. */
final class Rewriting {
    private final Rewrite[] rewrites;

    /** For each class of operations a bit for each rewrite that is concerned. */
    private final Map<Class<? extends Op>, Integer> concerned = new HashMap<>();

    private final int concernedWithBinary;

    Rewriting(Rewrite... rewrites) {
        this.rewrites = rewrites.clone();
        for (int i = 0; i < rewrites.length; i++) {
            for (Class<? extends Op> kind : rewrites[i].concerns()) {
                concerned.merge(kind, 1 << i, (a, b) -> a | b);
            }
        }
        this.concernedWithBinary = concerned.getOrDefault(Op.Binary.class, 0);
    }

    /** Works on a function that will run in the target of {@code binding}. */
    void run(Flow flow, TargetBinding binding) {
        Known known = new Known(flow, binding);
        for (Block block : Order.of(flow).blocks()) {
            known.enterBlock();
            List<Op> ops = block.ops();
            for (int at = 0; at < ops.size(); at++) {
                Op op = rewritten(ops.get(at), known);
                if (op != ops.get(at)) {
                    ops.set(at, op);
                }
                known.step(op);
            }
        }
    }

    private Op rewritten(Op before, Known known) {
        Op op = before;
        int left = concerned(op);
        while (left != 0) {
            int at = Integer.numberOfTrailingZeros(left);
            int behind = -2 << at;
            Op next = rewrites[at].apply(op, known);
            left = behind & (next.getClass() == op.getClass() ? left : concerned(next));
            op = next;
        }
        return op;
    }

    private int concerned(Op op) {
        if (op instanceof Op.Binary) {
            return concernedWithBinary; // most are
        }
        return concerned.getOrDefault(op.getClass(), 0);
    }
}

package graft.ebpf.jit.ir;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Which variables are read later, by block. */
public final class Liveness {
    private final Map<Block, BitSet> before = new HashMap<>();

    private Liveness() {}

    /** Of a whole function. */
    public static Liveness of(Flow flow) {
        Liveness liveness = new Liveness();
        List<Block> blocks = flow.blocks();
        BitSet[] before = new BitSet[blocks.size()];
        Effect[] effects = new Effect[blocks.size()];
        for (int i = 0; i < before.length; i++) {
            effects[i] = Effect.of(blocks.get(i), flow.vars());
            before[i] = (BitSet) effects[i].read().clone();
            liveness.before.put(blocks.get(i), before[i]);
        }
        BitSet live = new BitSet(flow.vars());
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = before.length - 1; i >= 0; i--) {
                live.clear();
                for (Block next : blocks.get(i).last().next()) {
                    live.or(liveness.before.get(next));
                }
                live.andNot(effects[i].written());
                int size = before[i].cardinality();
                before[i].or(live);
                changed |= before[i].cardinality() != size;
            }
        }
        return liveness;
    }

    /** What a block writes, and what it reads before it writes it. */
    private record Effect(BitSet written, BitSet read) {
        static Effect of(Block block, int vars) {
            BitSet written = new BitSet(vars);
            BitSet read = new BitSet(vars);
            List<Op> ops = block.ops();
            Consumer<Var> reads = var -> read.set(var.number());
            for (int at = ops.size() - 1; at >= 0; at--) {
                Op op = ops.get(at);
                if (op instanceof Op.Pure pure) {
                    written.set(pure.dst().number());
                    read.clear(pure.dst().number());
                } else {
                    op.def().ifPresent(var -> {
                        written.set(var.number());
                        read.clear(var.number());
                    });
                }
                op.uses(reads);
            }
            return new Effect(written, read);
        }
    }

    /** From what is live behind {@code op} to what is live in front of it. */
    public static void step(Op op, BitSet live) {
        if (op instanceof Op.Pure pure) {
            live.clear(pure.dst().number());
        } else {
            op.def().ifPresent(var -> live.clear(var.number()));
        }
        op.uses(var -> live.set(var.number()));
    }

    /** What is live at the end of {@code block}; a new set. */
    public BitSet after(Block block) {
        BitSet live = new BitSet();
        for (Block next : block.last().next()) {
            live.or(before.get(next));
        }
        return live;
    }

    /** What is live at the start of {@code block}. */
    public BitSet before(Block block) {
        return before.get(block);
    }
}

package graft.ebpf.jit.ir;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which variables are read later, by block. */
public final class Liveness {
    private final Map<Block, BitSet> before = new HashMap<>();

    private Liveness() {}

    /** Of a whole function. */
    public static Liveness of(Flow flow) {
        Liveness liveness = new Liveness();
        List<Block> blocks = flow.blocks();
        blocks.forEach(block -> liveness.before.put(block, new BitSet(flow.vars())));
        boolean changed = true;
        while (changed) {
            changed = false;
            for (Block block : blocks.reversed()) {
                BitSet live = liveness.after(block);
                for (int at = block.ops().size() - 1; at >= 0; at--) {
                    step(block.ops().get(at), live);
                }
                changed |= !live.equals(liveness.before.put(block, live));
            }
        }
        return liveness;
    }

    /** From what is live behind {@code op} to what is live in front of it. */
    public static void step(Op op, BitSet live) {
        op.def().ifPresent(var -> live.clear(var.number()));
        op.uses(var -> live.set(var.number()));
    }

    /** What is live at the end of {@code block}; a new set. */
    public BitSet after(Block block) {
        BitSet live = new BitSet();
        block.last().next().forEach(next -> live.or(before.get(next)));
        return live;
    }

    /** What is live at the start of {@code block}. */
    public BitSet before(Block block) {
        return before.get(block);
    }
}

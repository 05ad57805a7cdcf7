package graft.ebpf.jit.ir;

import java.util.ArrayList;
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
        List<Effect> effects = new ArrayList<>(blocks.size());
        for (Block block : blocks) {
            effects.add(Effect.of(block, flow.vars()));
            liveness.before.put(block, new BitSet(flow.vars()));
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = blocks.size() - 1; i >= 0; i--) {
                BitSet live = liveness.after(blocks.get(i));
                live.andNot(effects.get(i).written());
                live.or(effects.get(i).read());
                changed |= !live.equals(liveness.before.put(blocks.get(i), live));
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
            for (int at = ops.size() - 1; at >= 0; at--) {
                Op op = ops.get(at);
                op.def().ifPresent(var -> {
                    written.set(var.number());
                    read.clear(var.number());
                });
                op.uses(var -> read.set(var.number()));
            }
            return new Effect(written, read);
        }
    }

    /** From what is live behind {@code op} to what is live in front of it. */
    public static void step(Op op, BitSet live) {
        op.def().ifPresent(var -> live.clear(var.number()));
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

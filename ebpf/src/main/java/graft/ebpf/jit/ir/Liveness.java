package graft.ebpf.jit.ir;

import java.util.List;
import java.util.function.Consumer;

/** Which variables are read later, by block; asked until blocks are added, removed or placed elsewhere. */
public final class Liveness {
    private final Block[] blocks;
    private final int words;

    /** For each block a row of bits. */
    private final long[] before;

    private Liveness(Flow flow) {
        this.blocks = flow.numbered();
        this.words = (flow.vars() + Long.SIZE - 1) / Long.SIZE;
        this.before = new long[blocks.length * words];
    }

    /** Of a whole function. */
    public static Liveness of(Flow flow) {
        Liveness liveness = new Liveness(flow);
        liveness.spread(liveness.effects());
        return liveness;
    }

    /** What blocks read before they write it is live in front of them; what they write, by block, is the result. */
    private long[] effects() {
        long[] written = new long[before.length];
        Effect effect = new Effect(before, written);
        for (int i = 0; i < blocks.length; i++) {
            effect.row = i * words;
            List<Op> ops = blocks[i].ops();
            for (int at = ops.size() - 1; at >= 0; at--) {
                effect.step(ops.get(at));
            }
        }
        return written;
    }

    private static final class Effect implements Consumer<Var> {
        private final long[] read;
        private final long[] written;
        private int row;

        Effect(long[] read, long[] written) {
            this.read = read;
            this.written = written;
        }

        void step(Op op) {
            int def = Op.def(op);
            if (def != Op.NONE) {
                int word = row + def / Long.SIZE;
                written[word] |= 1L << def;
                read[word] &= ~(1L << def);
            }
            Op.uses(op, this);
        }

        @Override
        public void accept(Var var) {
            read[row + var.number() / Long.SIZE] |= 1L << var.number();
        }
    }

    private void spread(long[] written) {
        int[] followers = Flow.followers(blocks);
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int edge = followers.length - 1; edge >= 0; edge--) {
                if (followers[edge] != Flow.NONE) {
                    changed |= spread(followers[edge] * words, edge / 2 * words, written);
                }
            }
        }
    }

    private boolean spread(int from, int to, long[] written) {
        boolean changed = false;
        for (int word = 0; word < words; word++) {
            long more = before[from + word] & ~written[to + word] & ~before[to + word];
            before[to + word] |= more;
            changed |= more != 0;
        }
        return changed;
    }

    /** From what is live behind {@code op} to what is live in front of it. */
    public static void step(Op op, VarSet live) {
        int def = Op.def(op);
        if (def != Op.NONE) {
            live.remove(def);
        }
        Op.uses(op, live);
    }

    /** What is live at the end of {@code block}; a new set. */
    public VarSet after(Block block) {
        VarSet live = new VarSet(words * Long.SIZE);
        List<Block> followers = block.last().next();
        for (int i = 0; i < followers.size(); i++) {
            live.addRow(before, row(followers.get(i)));
        }
        return live;
    }

    /** What is live at the start of {@code block}; a new set. */
    public VarSet before(Block block) {
        int row = row(block);
        return VarSet.of(before, row, row + words);
    }

    private int row(Block block) {
        if (blocks[block.number()] != block) {
            throw new AssertionError("the blocks have changed: " + block);
        }
        return block.number() * words;
    }
}

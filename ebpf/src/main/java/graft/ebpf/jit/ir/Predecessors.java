package graft.ebpf.jit.ir;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;

/** Which blocks lead to each block, as passes change that. */
public final class Predecessors {
    private final List<List<Block>> before;

    private Predecessors(int blocks) {
        this.before = new ArrayList<>(Collections.nCopies(blocks, List.of()));
    }

    /** Of all blocks of {@code flow}. Asked until somebody numbers the blocks again. */
    public static Predecessors of(Flow flow) {
        Block[] blocks = flow.numbered();
        return of(blocks, Flow.followers(blocks), number -> true);
    }

    /** Only how many ways lead to each block, by its number. */
    public static int[] counts(Flow flow) {
        Block[] blocks = flow.numbered();
        int[] counts = new int[blocks.length];
        for (int follower : Flow.followers(blocks)) {
            if (follower != Flow.NONE) {
                counts[follower]++;
            }
        }
        return counts;
    }

    /** The same without the ways from blocks that {@code some} leaves out. */
    static Predecessors of(Block[] blocks, int[] followers, IntPredicate some) {
        Predecessors predecessors = new Predecessors(blocks.length);
        for (int edge = 0; edge < followers.length; edge++) {
            if (followers[edge] != Flow.NONE && some.test(edge / 2)) {
                predecessors.add(blocks[followers[edge]], blocks[edge / 2]);
            }
        }
        return predecessors;
    }

    /** Takes note of a way from {@code predecessor} to {@code block}. */
    public void add(Block block, Block predecessor) {
        if (of(block).isEmpty()) {
            before.set(block.number(), new ArrayList<>(2));
        }
        of(block).add(predecessor);
    }

    /** Those of {@code block}, once for each way from one to the other. */
    public List<Block> of(Block block) {
        return before.get(block.number());
    }

    /** Takes note of {@code block}, which was added behind all others. */
    public void append(Block block, Block predecessor) {
        block.setNumber(before.size());
        before.add(new ArrayList<>(List.of(predecessor)));
    }
}

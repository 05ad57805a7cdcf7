package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.CompiledProgram.SlotOffset;
import graft.ebpf.jit.ir.Block;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Reach;
import java.util.Arrays;
import java.util.List;

/**
 * Where the blocks of a function begin and end, by their numbers. A second pass knows the first pass's places: no code of
 * the second pass is longer, only the padding in front of a loop can be, so a distance that fits a short jump there with
 * room for the padding fits here.
 */
final class Layout {
    /** Loops begin at a multiple of this. */
    static final int ALIGNMENT = 64;

    private static final int MAX_SHORT = 127;
    private static final int LONGEST_JUMP = 6;

    private final Block[] blocks;
    private final Label[] labels;
    private final int[] starts;
    private final int[] ends;
    private final int[] paddings;
    private int padded;

    /** Of {@code blocks} in this order, which are numbered. */
    Layout(List<Block> blocks) {
        this.blocks = blocks.toArray(Block[]::new);
        this.labels = new Label[this.blocks.length];
        Arrays.setAll(labels, number -> new Label("block at", this.blocks[number].slot()));
        this.starts = new int[labels.length];
        this.ends = new int[labels.length];
        this.paddings = new int[labels.length];
    }

    /** The code of {@code block}. */
    Label label(Block block) {
        return labels[number(block)];
    }

    /** Takes note that the next block is aligned. */
    void pad() {
        padded++;
    }

    void start(Block block, int position) {
        starts[number(block)] = position;
        paddings[block.number()] = padded;
    }

    void end(Block block, int position) {
        ends[number(block)] = position;
    }

    /** Tells where each block begins, for debuggers. */
    void offsets(List<SlotOffset> offsets) {
        for (int number = 0; number < blocks.length; number++) {
            offsets.add(new SlotOffset(blocks[number].slot(), starts[number]));
        }
    }

    /** How far a jump at the end of {@code from} reaches by what {@code this}, the first pass, knows. */
    Reach reach(Block from, Block to) {
        int start = number(to);
        int end = number(from);
        if (start <= end) {
            return Reach.ANY;
        }
        int distance = starts[start] - ends[end] + LONGEST_JUMP;
        int padding = (paddings[start] - paddings[end]) * (ALIGNMENT - 1);
        return distance + padding <= MAX_SHORT ? Reach.SHORT : Reach.ANY;
    }

    private int number(Block block) {
        if (blocks[block.number()] != block) {
            throw new AssertionError("the blocks have changed: " + block);
        }
        return block.number();
    }
}

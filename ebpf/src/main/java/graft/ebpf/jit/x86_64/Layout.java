package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Block;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Reach;
import java.util.HashMap;
import java.util.Map;

/**
 * Where blocks begin and end. A second pass knows the first pass's places: no code of the second pass is longer, only the
 * padding in front of a loop can be, so a distance that fits a short jump there with room for the padding fits here.
 */
final class Layout {
    /** Loops begin at a multiple of this. */
    static final int ALIGNMENT = 64;

    private static final int MAX_SHORT = 127;
    private static final int LONGEST_JUMP = 6;

    private final Map<Block, Label> labels = new HashMap<>();
    private final Map<Block, Integer> starts = new HashMap<>();
    private final Map<Block, Integer> ends = new HashMap<>();
    private final Map<Block, Integer> paddings = new HashMap<>();
    private final Map<Block, Integer> positions = new HashMap<>();
    private int padded;

    /** The code of {@code block}. */
    Label label(Block block) {
        return labels.computeIfAbsent(block, start -> new Label("block at " + start.slot()));
    }

    /** Takes note that the next block is aligned. */
    void pad() {
        padded++;
    }

    void start(Block block, int position) {
        starts.put(block, position);
        positions.put(block, starts.size());
        paddings.put(block, padded);
    }

    void end(Block block, int position) {
        ends.put(block, position);
    }

    int startOf(Block block) {
        return starts.get(block);
    }

    /** How far a jump at the end of {@code from} reaches by what {@code this}, the first pass, knows. */
    Reach reach(Block from, Block to) {
        if (positions.get(to) <= positions.get(from)) {
            return Reach.ANY;
        }
        int distance = starts.get(to) - ends.get(from) + LONGEST_JUMP;
        int padding = (paddings.get(to) - paddings.get(from)) * (ALIGNMENT - 1);
        return distance + padding <= MAX_SHORT ? Reach.SHORT : Reach.ANY;
    }
}

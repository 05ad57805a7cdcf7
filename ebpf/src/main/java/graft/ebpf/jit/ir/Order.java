package graft.ebpf.jit.ir;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * The blocks in reverse postorder, so that what dominates comes first, and how deep each is in loops: a loop is
 * everything from which a jump back can be reached behind the block it leads to. Asked until blocks are added, removed or
 * placed elsewhere.
 */
public final class Order {
    private static final int UNREACHED = -1;

    private final Block[] numbered;
    private final List<Block> blocks;

    /** By number: the place in {@link #blocks}. */
    private final int[] places;

    private List<Loop> loops = List.of();
    private int[] depths = new int[0];

    private Order(Flow flow) {
        this.numbered = flow.numbered();
        this.blocks = new ArrayList<>(numbered.length);
        this.places = new int[numbered.length];
        Arrays.fill(places, UNREACHED);
    }

    /** A loop. */
    public static final class Loop {
        private final Block header;
        private final BitSet body = new BitSet();

        private Loop(Block header) {
            this.header = header;
        }

        /** Where it is entered. */
        public Block header() {
            return header;
        }

        /** Whether {@code block} is the header or behind it in the loop. */
        public boolean contains(Block block) {
            return body.get(block.number());
        }
    }

    /** Of the blocks that can be reached from the entry. */
    public static Order of(Flow flow) {
        Order order = new Order(flow);
        order.visit(flow.entry());
        Collections.reverse(order.blocks);
        for (int i = 0; i < order.blocks.size(); i++) {
            order.places[order.blocks.get(i).number()] = i;
        }
        return order;
    }

    private void visit(Block entry) {
        int[] open = new int[numbered.length];
        int[] next = new int[numbered.length];
        int depth = 1;
        open[0] = entry.number();
        places[entry.number()] = 0;
        while (depth > 0) {
            Block block = numbered[open[depth - 1]];
            List<Block> followers = block.last().next();
            int at = next[block.number()]++;
            if (at == followers.size()) {
                blocks.add(block);
                depth--;
            } else if (places[followers.get(at).number()] == UNREACHED) {
                places[followers.get(at).number()] = 0;
                open[depth++] = followers.get(at).number();
            }
        }
    }

    private void findLoops() {
        if (depths.length != 0) {
            return;
        }
        depths = new int[numbered.length];
        if (!jumpsBack()) {
            return;
        }
        List<List<Block>> before = new ArrayList<>(Collections.nCopies(numbered.length, List.of()));
        Loop[] found = new Loop[numbered.length];
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                if (before.get(next.number()).isEmpty()) {
                    before.set(next.number(), new ArrayList<>(2));
                }
                before.get(next.number()).add(block);
            }
        }
        loops = new ArrayList<>();
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                if (places[next.number()] <= places[block.number()]) {
                    if (found[next.number()] == null) {
                        found[next.number()] = new Loop(next);
                        loops.add(found[next.number()]);
                    }
                    fill(found[next.number()], block, before);
                }
            }
        }
        loops.forEach(loop -> loop.body.stream().forEach(number -> depths[number]++));
    }

    private boolean jumpsBack() {
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                if (places[next.number()] <= places[block.number()]) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Everything from which a jump back can be reached without passing the header. */
    private static void fill(Loop loop, Block end, List<List<Block>> before) {
        loop.body.set(loop.header.number());
        Deque<Block> open = new ArrayDeque<>();
        open.push(end);
        while (!open.isEmpty()) {
            Block block = open.pop();
            if (!loop.body.get(block.number())) {
                loop.body.set(block.number());
                before.get(block.number()).forEach(open::push);
            }
        }
    }

    /** The blocks; the entry is first. */
    public List<Block> blocks() {
        return blocks;
    }

    /** Whether {@code block} can be reached from the entry. */
    public boolean reaches(Block block) {
        return places[number(block)] != UNREACHED;
    }

    /** How many loops {@code block} is in. */
    public int depth(Block block) {
        findLoops();
        return depths[number(block)];
    }

    /** All loops. */
    public List<Loop> loops() {
        findLoops();
        return loops;
    }

    private int number(Block block) {
        if (numbered[block.number()] != block) {
            throw new AssertionError("the blocks have changed: " + block);
        }
        return block.number();
    }
}

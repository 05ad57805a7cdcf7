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
    private final int[] followers;
    private final List<Block> blocks;

    /** By number: the place in {@link #blocks}. */
    private final int[] places;

    private List<Loop> loops = List.of();
    private int[] depths = new int[0];

    private Order(Flow flow) {
        this.numbered = flow.numbered();
        this.followers = Flow.followers(numbered);
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
        int[] passed = new int[numbered.length];
        int depth = 1;
        open[0] = entry.number();
        places[entry.number()] = 0;
        while (depth > 0) {
            int block = open[depth - 1];
            int next = passed[block] < 2 ? followers[2 * block + passed[block]++] : Flow.NONE;
            if (next == Flow.NONE) {
                blocks.add(numbered[block]);
                depth--;
            } else if (places[next] == UNREACHED) {
                places[next] = 0;
                open[depth++] = next;
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
        Predecessors before = Predecessors.of(numbered, followers, this::isReached);
        Loop[] found = new Loop[numbered.length];
        loops = new ArrayList<>();
        for (Block block : blocks) {
            for (int edge = 2 * block.number(); edge < 2 * block.number() + 2; edge++) {
                if (leadsBack(edge)) {
                    int header = followers[edge];
                    if (found[header] == null) {
                        found[header] = new Loop(numbered[header]);
                        loops.add(found[header]);
                    }
                    fill(found[header], block, before);
                }
            }
        }
        for (Loop loop : loops) {
            for (int number = loop.body.nextSetBit(0); number >= 0; number = loop.body.nextSetBit(number + 1)) {
                depths[number]++;
            }
        }
    }

    private boolean isReached(int number) {
        return places[number] != UNREACHED;
    }

    private boolean leadsBack(int edge) {
        return followers[edge] != Flow.NONE && places[followers[edge]] <= places[edge / 2];
    }

    private boolean jumpsBack() {
        for (int edge = 0; edge < followers.length; edge++) {
            if (isReached(edge / 2) && leadsBack(edge)) {
                return true;
            }
        }
        return false;
    }

    /** Everything from which a jump back can be reached without passing the header. */
    private static void fill(Loop loop, Block end, Predecessors before) {
        loop.body.set(loop.header.number());
        Deque<Block> open = new ArrayDeque<>();
        open.push(end);
        while (!open.isEmpty()) {
            Block block = open.pop();
            if (!loop.body.get(block.number())) {
                loop.body.set(block.number());
                before.of(block).forEach(open::push);
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

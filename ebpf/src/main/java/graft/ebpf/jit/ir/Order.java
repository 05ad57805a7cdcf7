package graft.ebpf.jit.ir;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The blocks in reverse postorder, so that what dominates comes first, and how deep each is in loops: a loop is
 * everything from which a jump back can be reached behind the block it leads to.
 */
public final class Order {
    private final List<Block> blocks = new ArrayList<>();
    private final Map<Block, Integer> depths = new HashMap<>();
    private final List<Loop> loops = new ArrayList<>();

    private Order() {}

    /**
     * A loop.
     *
     * @param header where it is entered
     * @param body everything in it, with the header
     */
    public record Loop(Block header, Set<Block> body) {}

    private record Visit(Block block, Iterator<Block> next) {}

    /** Of the blocks that can be reached from the entry. */
    public static Order of(Flow flow) {
        Order order = new Order();
        Set<Block> seen = new HashSet<>();
        Deque<Visit> open = new ArrayDeque<>();
        seen.add(flow.entry());
        open.push(new Visit(flow.entry(), flow.entry().last().next().iterator()));
        while (!open.isEmpty()) {
            Visit visit = open.peek();
            if (!visit.next().hasNext()) {
                order.blocks.add(open.pop().block());
                continue;
            }
            Block next = visit.next().next();
            if (seen.add(next)) {
                open.push(new Visit(next, next.last().next().iterator()));
            }
        }
        Collections.reverse(order.blocks);
        order.findLoops();
        return order;
    }

    private void findLoops() {
        Map<Block, Integer> index = new HashMap<>();
        Map<Block, List<Block>> before = new HashMap<>();
        for (int i = 0; i < blocks.size(); i++) {
            index.put(blocks.get(i), i);
            depths.put(blocks.get(i), 0);
            before.put(blocks.get(i), new ArrayList<>(2));
        }
        Map<Block, Set<Block>> bodies = new LinkedHashMap<>();
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                before.get(next).add(block);
            }
        }
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                if (index.get(next) <= index.get(block)) {
                    body(next, block, before, bodies.computeIfAbsent(next, _ -> new HashSet<>()));
                }
            }
        }
        bodies.forEach((header, body) -> loops.add(new Loop(header, body)));
        bodies.values().forEach(body -> body.forEach(block -> depths.merge(block, 1, Integer::sum)));
    }

    /** Everything from which a jump back can be reached without passing the header. */
    private static void body(Block header, Block end, Map<Block, List<Block>> before, Set<Block> body) {
        body.add(header);
        Deque<Block> open = new ArrayDeque<>();
        open.push(end);
        while (!open.isEmpty()) {
            Block block = open.pop();
            if (body.add(block)) {
                before.get(block).forEach(open::push);
            }
        }
    }

    /** The blocks; the entry is first. */
    public List<Block> blocks() {
        return blocks;
    }

    /** How many loops {@code block} is in. */
    public int depth(Block block) {
        return depths.get(block);
    }

    /** All loops, those around others first. */
    public List<Loop> loops() {
        return loops;
    }
}

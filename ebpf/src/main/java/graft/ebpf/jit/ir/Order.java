package graft.ebpf.jit.ir;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The blocks in reverse postorder, so that what dominates comes first, and how deep each is in loops: a jump back makes
 * everything between its ends a round of a loop.
 */
public final class Order {
    private final List<Block> blocks = new ArrayList<>();
    private final Map<Block, Integer> depths = new HashMap<>();
    private final Set<Block> headers = new HashSet<>();

    private Order() {}

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
        order.loops();
        return order;
    }

    private void loops() {
        Map<Block, Integer> index = new HashMap<>();
        for (int i = 0; i < blocks.size(); i++) {
            index.put(blocks.get(i), i);
            depths.put(blocks.get(i), 0);
        }
        Map<Block, Integer> ends = new HashMap<>();
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                if (index.get(next) <= index.get(block)) {
                    ends.merge(next, index.get(block), Math::max);
                }
            }
        }
        headers.addAll(ends.keySet());
        ends.forEach((header, end) -> {
            for (int i = index.get(header); i <= end; i++) {
                depths.merge(blocks.get(i), 1, Integer::sum);
            }
        });
    }

    /** The blocks; the entry is first. */
    public List<Block> blocks() {
        return blocks;
    }

    /** How many loops {@code block} is in. */
    public int depth(Block block) {
        return depths.get(block);
    }

    /** Whether a jump back leads to {@code block}. */
    public boolean isHeader(Block block) {
        return headers.contains(block);
    }
}

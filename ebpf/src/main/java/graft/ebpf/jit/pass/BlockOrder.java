package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Puts blocks behind those they follow, so that few jumps are taken, and drops those that nothing leads to. A loop whose rounds take one of two ways is entered in
 * its middle: one way stands above that place and one below, so that each takes one jump in a round.
 *
 * <pre>
 *     above: ...             jumped to from the branch
 *     end:   ...             leaves the loop, or goes on below
 *     entry: ...             branches up or goes on below
 *     below: ...             jumps to the end
 * </pre>
 */
final class BlockOrder implements Pass {
    private final Order order;

    /** @param order of the blocks of the function as they are */
    BlockOrder(Order order) {
        this.order = order;
    }

    @Override
    public void run(Flow flow) {
        List<Block> placed = new ArrayList<>(flow.blocks().size());
        BitSet seen = new BitSet();
        for (Block start : flow.blocks()) {
            if (order.reaches(start) && !seen.get(start.number())) {
                placeFrom(start, order, seen, placed);
            }
        }
        for (Order.Loop loop : order.loops()) {
            if (isInnermost(loop, order.loops())) {
                enterInTheMiddle(loop, placed, flow.entry());
            }
        }
        flow.blocks().clear();
        flow.blocks().addAll(placed);
    }

    private static boolean isInnermost(Order.Loop loop, List<Order.Loop> loops) {
        for (Order.Loop other : loops) {
            if (other != loop && loop.contains(other.header())) {
                return false;
            }
        }
        return true;
    }

    private static void enterInTheMiddle(Order.Loop loop, List<Block> placed, Block entry) {
        List<Block> body = new ArrayList<>();
        for (Block block : placed) {
            if (loop.contains(block)) {
                body.add(block);
            }
        }
        if (body.getFirst() != loop.header() || loop.header() == entry) {
            return;
        }
        int end = 1;
        while (end < body.size() && !body.get(end).last().next().contains(loop.header())) {
            end++;
        }
        if (end == body.size()) {
            return;
        }
        for (int above = end; above > 0 && follows(body, above); above--) {
            if (body.get(above - 1).last() instanceof Op.If branch) {
                Block below = branch.yes() == body.get(above) ? branch.no() : branch.yes();
                if (body.indexOf(below) > end) {
                    place(turned(body, above, end, below), placed);
                    return;
                }
            }
        }
    }

    private static boolean follows(List<Block> body, int at) {
        return body.get(at - 1).last().next().contains(body.get(at));
    }

    private static List<Block> turned(List<Block> body, int above, int end, Block below) {
        List<Block> turned = new ArrayList<>(body.subList(above, end + 1));
        turned.addAll(body.subList(0, above));
        turned.add(below);
        body.subList(end + 1, body.size()).stream()
                .filter(block -> block != below)
                .forEach(turned::add);
        return turned;
    }

    private static void place(List<Block> body, List<Block> placed) {
        int at = placed.indexOf(
                body.stream().min(Comparator.comparingInt(placed::indexOf)).orElseThrow());
        placed.removeAll(Set.copyOf(body));
        placed.addAll(at, body);
    }

    /** One block behind the other, as long as one that has no place yet follows: see {@link #prefersSecond}. */
    private static void placeFrom(Block start, Order order, BitSet seen, List<Block> placed) {
        Block block = start;
        boolean more = true;
        while (more) {
            placed.add(block);
            seen.set(block.number());
            List<Block> followers = block.last().next();
            int first = prefersSecond(block.last(), order) ? 1 : 0;
            more = false;
            for (int i = 0; i < followers.size() && !more; i++) {
                Block next = followers.get(first ^ i);
                if (!seen.get(next.number())) {
                    block = next;
                    more = true;
                }
            }
        }
    }

    /** The successor that is deeper in loops; of two that are not, the one that does not jump. */
    private static boolean prefersSecond(Op.Last last, Order order) {
        return last instanceof Op.If(var _, Block yes, Block no) && order.depth(yes) <= order.depth(no);
    }
}

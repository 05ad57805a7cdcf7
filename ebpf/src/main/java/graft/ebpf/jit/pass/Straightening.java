package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.ebpf.jit.ir.Predecessors;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Drops blocks that nothing leads to, leads jumps past blocks that only jump on, and joins blocks that always follow. */
final class Straightening implements Pass {
    @Override
    public void run(Flow flow) {
        for (Block block : flow.blocks()) {
            shorten(block);
        }
        Order order = Order.of(flow);
        flow.blocks().removeIf(block -> !order.reaches(block));
        int[] ways = Predecessors.counts(flow);
        BitSet joined = new BitSet();
        for (Block block : flow.blocks()) {
            if (!joined.get(block.number())) {
                join(block, flow.entry(), ways, joined);
            }
        }
        if (!joined.isEmpty()) {
            flow.blocks().removeIf(block -> joined.get(block.number()));
        }
    }

    private static void shorten(Block block) {
        Op.Last last = block.last();
        List<Block> followers = last.next();
        for (int i = 0; i < followers.size(); i++) {
            Block end = destination(followers.get(i));
            if (end != followers.get(i)) {
                last = last.retarget(followers.get(i), end);
            }
        }
        if (last instanceof Op.If(var _, Block yes, Block no) && yes == no) {
            last = new Op.Goto(yes);
        }
        if (last != block.last()) {
            block.setLast(last);
        }
    }

    private static Block destination(Block start) {
        return isPassedThrough(start) ? destination(start, new HashSet<>()) : start;
    }

    private static Block destination(Block start, Set<Block> seen) {
        Block block = start;
        while (isPassedThrough(block) && seen.add(block)) {
            block = block.last().next().getFirst();
        }
        return block;
    }

    private static boolean isPassedThrough(Block block) {
        return block.ops().size() == 1 && block.last() instanceof Op.Goto;
    }

    private static void join(Block block, Block entry, int[] ways, BitSet joined) {
        while (block.last() instanceof Op.Goto(Block to) && to != block && to != entry && ways[to.number()] == 1) {
            block.ops().removeLast();
            block.ops().addAll(to.ops());
            joined.set(to.number());
        }
    }
}

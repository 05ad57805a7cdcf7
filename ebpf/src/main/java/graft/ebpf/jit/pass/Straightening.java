package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Drops blocks that nothing leads to, leads jumps past blocks that only jump on, and joins blocks that always follow. */
final class Straightening implements Pass {
    @Override
    public void run(Flow flow) {
        flow.blocks().forEach(Straightening::shorten);
        Order order = Order.of(flow);
        flow.blocks().removeIf(block -> !order.reaches(block));
        Map<Block, List<Block>> before = flow.predecessors();
        Set<Block> joined = new HashSet<>();
        for (Block block : List.copyOf(flow.blocks())) {
            if (!joined.contains(block)) {
                join(block, flow.entry(), before, joined);
            }
        }
        flow.blocks().removeIf(joined::contains);
    }

    private static void shorten(Block block) {
        Op.Last last = block.last();
        for (Block next : last.next()) {
            last = last.retarget(next, destination(next));
        }
        if (last instanceof Op.If(var _, Block yes, Block no) && yes == no) {
            last = new Op.Goto(yes);
        }
        block.setLast(last);
    }

    private static Block destination(Block start) {
        Set<Block> seen = new HashSet<>();
        Block block = start;
        while (block.ops().size() == 1 && block.last() instanceof Op.Goto(Block to) && seen.add(block)) {
            block = to;
        }
        return block;
    }

    private static void join(Block block, Block entry, Map<Block, List<Block>> before, Set<Block> joined) {
        while (block.last() instanceof Op.Goto(Block to)
                && to != block
                && to != entry
                && before.get(to).size() == 1) {
            block.ops().removeLast();
            block.ops().addAll(to.ops());
            joined.add(to);
        }
    }
}

package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Puts blocks behind those they follow, loops in one piece, so that few jumps are taken. */
final class BlockOrder implements Pass {
    @Override
    public void run(Flow flow) {
        Order order = Order.of(flow);
        List<Block> placed = new ArrayList<>();
        Set<Block> seen = new HashSet<>();
        for (Block start : flow.blocks()) {
            Optional<Block> next = Optional.of(start);
            while (next.isPresent() && seen.add(next.get())) {
                placed.add(next.get());
                next = follower(next.get(), order, seen);
            }
        }
        flow.blocks().clear();
        flow.blocks().addAll(placed);
    }

    /** The successor that is deeper in loops; of two that are not, the one that does not jump. */
    private static Optional<Block> follower(Block block, Order order, Set<Block> seen) {
        List<Block> next = switch (block.last()) {
            case Op.Goto(Block to) -> List.of(to);
            case Op.If(var _, Block yes, Block no) ->
                order.depth(yes) > order.depth(no) ? List.of(yes, no) : List.of(no, yes);
            case Op.MayGoto(Block on, Block out) -> List.of(on, out);
            case Op.Exit _ -> List.of();
        };
        return next.stream().filter(one -> !seen.contains(one)).findFirst();
    }
}

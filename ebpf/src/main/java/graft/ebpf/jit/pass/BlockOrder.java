package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

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
    @Override
    public void run(Flow flow) {
        Order order = Order.of(flow);
        List<Block> placed = new ArrayList<>();
        Set<Block> seen = new HashSet<>();
        for (Block start : flow.blocks()) {
            Optional<Block> next = Optional.of(start).filter(order::reaches);
            while (next.isPresent() && seen.add(next.get())) {
                placed.add(next.get());
                next = follower(next.get(), order, seen);
            }
        }
        order.loops().stream()
                .filter(loop ->
                        order.loops().stream().noneMatch(other -> other != loop && loop.contains(other.header())))
                .forEach(loop -> enterInTheMiddle(loop, placed, flow.entry()));
        flow.blocks().clear();
        flow.blocks().addAll(placed);
    }

    private static void enterInTheMiddle(Order.Loop loop, List<Block> placed, Block entry) {
        List<Block> body = placed.stream().filter(loop::contains).collect(Collectors.toCollection(ArrayList::new));
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

package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Predecessors;
import graft.ebpf.jit.ir.Var;
import graft.ebpf.jit.ir.VarSet;
import java.util.List;
import java.util.Optional;

/**
 * Two branches on one comparison, one soon after the other: what the first one found leads past the second, with a copy
 * of the few operations in front of it.
 */
final class RepeatedBranches implements Pass {
    private static final int MOST_COPIED = 2;

    @Override
    public void run(Flow flow) {
        if (!compareOneTwice(flow)) {
            return;
        }
        Predecessors before = Predecessors.of(flow);
        for (Block second : List.copyOf(flow.blocks())) {
            if (second.last() instanceof Op.If branch && isShort(second, branch.condition())) {
                for (Block from : List.copyOf(before.of(second))) {
                    Optional<Block> known = from == second ? Optional.empty() : known(from, second, branch, before);
                    known.ifPresent(next -> leadPast(flow, from, second, next, before));
                }
            }
        }
    }

    /** Whether one variable is on the left of two comparisons; most functions have no such variable. */
    private static boolean compareOneTwice(Flow flow) {
        VarSet compared = new VarSet(flow.vars());
        for (Block block : flow.blocks()) {
            if (block.last() instanceof Op.If branch) {
                int left = branch.condition().left().number();
                if (compared.contains(left)) {
                    return true;
                }
                compared.add(left);
            }
        }
        return false;
    }

    private static boolean isShort(Block block, Condition condition) {
        return block.ops().size() - 1 <= MOST_COPIED && keeps(block, condition);
    }

    /** Whether the comparison has the same result behind the block's operations, which can be copied. */
    private static boolean keeps(Block block, Condition condition) {
        List<Op> ops = block.ops();
        for (int at = 0; at < ops.size() - 1; at++) {
            if (!(ops.get(at) instanceof Op.Pure pure) || compares(condition, pure.dst())) {
                return false;
            }
        }
        return true;
    }

    private static boolean compares(Condition condition, Var var) {
        return var.equals(condition.left()) || var.equals(condition.right());
    }

    /** Where {@code second} goes on when it is reached from {@code from}, if that follows from the branch before. */
    private static Optional<Block> known(Block from, Block second, Op.If branch, Predecessors before) {
        if (from.last() instanceof Op.If) {
            return outcome(from, second, branch);
        }
        boolean plain = from.last() instanceof Op.Goto
                && keeps(from, branch.condition())
                && before.of(from).size() == 1;
        return plain ? outcome(before.of(from).getFirst(), from, branch) : Optional.empty();
    }

    private static Optional<Block> outcome(Block first, Block next, Op.If branch) {
        if (!(first.last() instanceof Op.If(var condition, Block yes, Block no)) || yes == no) {
            return Optional.empty();
        }
        Condition holds = branch.condition();
        if (condition.equals(holds)) {
            return Optional.of(next == yes ? branch.yes() : branch.no());
        }
        return condition.opposite().filter(holds::equals).map(_ -> next == yes ? branch.no() : branch.yes());
    }

    private static void leadPast(Flow flow, Block from, Block second, Block next, Predecessors before) {
        Block copy = new Block(second.slot());
        copy.ops().addAll(second.ops().subList(0, second.ops().size() - 1));
        copy.ops().add(new Op.Goto(next));
        from.setLast(from.last().retarget(second, copy));
        flow.blocks().add(copy);
        before.of(second).remove(from);
        before.append(copy, from);
        before.add(next, copy);
    }
}

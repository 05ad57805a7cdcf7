package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Predecessors;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns jumps around a few copies into choices between two values: no prediction, no misprediction. What is copied on
 * either side must be a variable or a number.
 */
final class Choices implements Pass {
    private static final int MOST_MOVES = 2;

    @Override
    public void run(Flow flow) {
        int[] ways = Predecessors.counts(flow);
        for (Block block : flow.blocks()) {
            if (block.last() instanceof Op.If branch) {
                choose(block, branch, ways);
            }
        }
    }

    private static void choose(Block block, Op.If branch, int[] ways) {
        Block yes = branch.yes();
        Block no = branch.no();
        boolean plainYes = isSide(yes, ways);
        boolean plainNo = isSide(no, ways);
        if (plainYes && next(yes) == no && fits(branch.condition(), moves(yes))) {
            replace(block, branch.condition(), moves(yes), List.of(), no);
        } else if (plainNo && next(no) == yes && fits(branch.condition(), moves(no))) {
            replace(block, branch.condition(), List.of(), moves(no), yes);
        } else if (plainYes && plainNo && next(yes) == next(no)) {
            Op.Move first = moves(yes).getFirst();
            Op.Move second = moves(no).getFirst();
            if (moves(yes).size() == 1 && moves(no).size() == 1 && first.dst().equals(second.dst())) {
                block.ops().removeLast();
                block.ops().add(new Op.Select(first.dst(), branch.condition(), first.src(), second.src()));
                block.ops().add(new Op.Goto(next(yes)));
            }
        }
    }

    private static void replace(Block block, Condition condition, List<Op.Move> yes, List<Op.Move> no, Block next) {
        block.ops().removeLast();
        yes.forEach(move -> block.ops().add(new Op.Select(move.dst(), condition, move.src(), move.dst())));
        no.forEach(move -> block.ops().add(new Op.Select(move.dst(), condition, move.dst(), move.src())));
        block.ops().add(new Op.Goto(next));
    }

    /** Only the last choice may change what is compared. */
    private static boolean fits(Condition condition, List<Op.Move> moves) {
        for (Op.Move move : moves.subList(0, moves.size() - 1)) {
            if (move.dst().equals(condition.left()) || move.dst().equals(condition.right())) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSide(Block block, int[] ways) {
        int moves = block.ops().size() - 1;
        boolean side =
                ways[block.number()] == 1 && block.last() instanceof Op.Goto && moves >= 1 && moves <= MOST_MOVES;
        for (int i = 0; i < moves && side; i++) {
            side = isChoice(block.ops().get(i));
        }
        return side;
    }

    private static boolean isChoice(Op op) {
        return op instanceof Op.Move(Var dst, Value src)
                && !dst.isFixed()
                && switch (src) {
                    case Var var -> !var.isFixed();
                    case Value.Constant _ -> true;
                    case Value.Symbol _, Value.FrameAddress _ -> false;
                };
    }

    private static Block next(Block side) {
        return side.last().next().getFirst();
    }

    private static List<Op.Move> moves(Block side) {
        List<Op.Move> moves = new ArrayList<>();
        side.ops().subList(0, side.ops().size() - 1).forEach(op -> moves.add((Op.Move) op));
        return moves;
    }
}

package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What is computed from one of two numbers is one of two other numbers: {@code (c ? 1 : 0) << 4} is {@code c ? 16 : 0}. */
final class ChosenNumbers implements Pass {
    private static final int LOW_6 = 63;
    private static final int LOW_5 = 31;

    /** As a result, never kept. */
    private static final long UNKNOWN = -1;

    @Override
    public void run(Flow flow) {
        int[] uses = new int[flow.vars()];
        for (Block block : flow.blocks()) {
            block.ops().forEach(op -> op.uses(var -> uses[var.number()]++));
        }
        flow.blocks().forEach(block -> choose(block.ops(), uses));
    }

    private static void choose(List<Op> ops, int[] uses) {
        int at = 0;
        while (at < ops.size()) {
            boolean moved = ops.get(at) instanceof Op.Select select
                    && uses[select.dst().number()] == 1
                    && !select.dst().isFixed()
                    && compute(ops, at, select);
            if (!moved) {
                at++;
            }
        }
    }

    /** Puts the choice in the place of the only operation that reads it. */
    private static boolean compute(List<Op> ops, int at, Op.Select select) {
        if (compares(select.condition(), select.dst())) {
            return false;
        }
        for (int i = at + 1; i < ops.size(); i++) {
            if (ops.get(i) instanceof Op.Binary binary && binary.left().equals(select.dst())) {
                Optional<Op> computed = computed(select, binary);
                if (computed.isPresent()) {
                    ops.set(i, computed.get());
                    ops.remove(at);
                }
                return computed.isPresent();
            }
            Optional<Var> changed = ops.get(i).def();
            if (changed.isPresent()
                    && (changed.get().equals(select.dst()) || compares(select.condition(), changed.get()))) {
                return false;
            }
        }
        return false;
    }

    private static boolean compares(Condition condition, Var var) {
        return var.equals(condition.left()) || var.equals(condition.right());
    }

    private static Optional<Op> computed(Op.Select select, Op.Binary binary) {
        if (select.yes() instanceof Value.Constant(long yes)
                && select.no() instanceof Value.Constant(long no)
                && binary.right() instanceof Value.Constant(long operand)) {
            OptionalLong first = compute(binary.op(), binary.width(), yes, operand);
            OptionalLong second = compute(binary.op(), binary.width(), no, operand);
            if (first.isPresent() && second.isPresent()) {
                return Optional.of(new Op.Select(
                        binary.dst(),
                        select.condition(),
                        new Value.Constant(first.getAsLong()),
                        new Value.Constant(second.getAsLong())));
            }
        }
        return Optional.empty();
    }

    /** What costs no more to move into a register than the numbers before. */
    private static OptionalLong compute(AluOp op, Width width, long left, long right) {
        long mask = width == Width.W64 ? -1 : 0xffff_ffffL;
        long count = right & (width == Width.W64 ? LOW_6 : LOW_5);
        long result = switch (op) {
            case ADD -> left + right;
            case SUB -> left - right;
            case MUL -> left * right;
            case OR -> left | right;
            case AND -> left & right;
            case XOR -> left ^ right;
            case LSH -> left << count;
            case RSH -> (left & mask) >>> count;
            case ARSH -> width == Width.W64 ? left >> count : (int) left >> count;
            case DIV, MOD, SDIV, SMOD, MOV -> UNKNOWN;
        };
        long kept = result & mask;
        return kept >= 0 && kept <= Integer.MAX_VALUE ? OptionalLong.of(kept) : OptionalLong.empty();
    }
}

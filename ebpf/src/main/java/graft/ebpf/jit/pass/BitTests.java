package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import java.util.Optional;
import java.util.Set;

/** A comparison of {@code x & y} with 0 is a test of bits, for which the result of the operation is not needed. */
final class BitTests implements Rewrite {
    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.If.class, Op.Select.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        return switch (op) {
            case Op.If(var condition, var yes, var no) ->
                test(condition, known)
                        .<Op>map(bits ->
                                condition.op() == JumpOp.JNE ? new Op.If(bits, yes, no) : new Op.If(bits, no, yes))
                        .orElse(op);
            case Op.Select(var dst, var condition, var yes, var no) ->
                test(condition, known)
                        .<Op>map(bits -> condition.op() == JumpOp.JNE
                                ? new Op.Select(dst, bits, yes, no)
                                : new Op.Select(dst, bits, no, yes))
                        .orElse(op);
            default -> op; // no comparison
        };
    }

    private static Optional<Condition> test(Condition condition, Known known) {
        boolean withZero = (condition.op() == JumpOp.JEQ || condition.op() == JumpOp.JNE)
                && condition.right().equals(new Value.Constant(0));
        if (withZero
                && known.definition(condition.left()).orElse(null)
                        instanceof Op.Binary(var kind, var width, var _, var left, var right)
                && kind == AluOp.AND) {
            boolean narrow = width == Width.W32 || condition.width() == Width.W32;
            return Optional.of(new Condition(JumpOp.JSET, narrow ? Width.W32 : Width.W64, left, right));
        }
        return Optional.empty();
    }
}

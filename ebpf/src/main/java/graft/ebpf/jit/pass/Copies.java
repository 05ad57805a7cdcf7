package graft.ebpf.jit.pass;

import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.Set;

/** Reads the original in place of a copy, and a number in place of a variable that holds it. */
final class Copies implements Rewrite {
    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(
                Op.Move.class,
                Op.Binary.class,
                Op.Unary.class,
                Op.Rotate.class,
                Op.Lea.class,
                Op.Load.class,
                Op.Select.class,
                Op.ArrayLookup.class,
                Op.HashLookup.class,
                Op.BelowContextValue.class,
                Op.Store.class,
                Op.Atomic.class,
                Op.If.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        if (!known.readsCopy(op)) {
            return op;
        }
        Op read = op.map(var -> original(var, known), defined -> defined);
        return switch (read) {
            case Op.Move(Var dst, Var src) -> new Op.Move(dst, value(src, known));
            case Op.Binary(var kind, var width, var dst, var left, Var right) ->
                new Op.Binary(kind, width, dst, left, immediate(right, width, known));
            case Op.Store(var size, var place, Var value) ->
                new Op.Store(size, place, immediate(value, Width.W64, known));
            case Op.If(Condition condition, var yes, var no) -> new Op.If(immediate(condition, known), yes, no);
            case Op.Select(var dst, var condition, var yes, var no) ->
                new Op.Select(dst, immediate(condition, known), value(yes, known), value(no, known));
            default -> read; // reads only variables, or nothing
        };
    }

    private static Var original(Var var, Known known) {
        if (!var.isFixed() && known.definition(var).orElse(null) instanceof Op.Move(Var _, Var src) && !src.isFixed()) {
            return original(src, known);
        }
        return var;
    }

    private static Value value(Value value, Known known) {
        if (value instanceof Var var
                && known.definition(var).orElse(null) instanceof Op.Move(Var _, Value src)
                && !(src instanceof Var)) {
            return src;
        }
        return value;
    }

    private static Condition immediate(Condition condition, Known known) {
        return condition.right() instanceof Var right
                ? new Condition(
                        condition.op(), condition.width(), condition.left(), immediate(right, condition.width(), known))
                : condition;
    }

    private static Value immediate(Var var, Width width, Known known) {
        if (!(known.definition(var).orElse(null) instanceof Op.Move(Var _, Value.Constant constant))) {
            return var;
        }
        Value.Constant narrowed = width == Width.W32 ? new Value.Constant((int) constant.value()) : constant;
        return narrowed.isImmediate() ? narrowed : var;
    }
}

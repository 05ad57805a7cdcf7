package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.Optional;
import java.util.Set;

/** Sums of a scaled value and something else take one operation where machines can compute addresses. */
final class Sums implements Rewrite {
    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.Binary.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        if (!(op instanceof Op.Binary(var kind, var width, var dst, var left, var right)) || kind != AluOp.ADD) {
            return op;
        }
        return switch (right) {
            case Value.Constant(long offset) ->
                multiple(left, width, known)
                        .<Op>map(place -> new Op.Lea(
                                width, dst, new Place(place.base(), place.index(), place.scale(), (int) offset)))
                        .orElse(op);
            case Var var ->
                shifted(left, var, width, known)
                        .or(() -> shifted(var, left, width, known))
                        .<Op>map(place -> new Op.Lea(width, dst, place))
                        .orElse(op);
            case Value.Symbol _, Value.FrameAddress _ -> op;
        };
    }

    /** {@code x * 3}, {@code x * 5}, {@code x * 9}. */
    private static Optional<Place> multiple(Var var, Width width, Known known) {
        return known.definition(var).orElse(null)
                                instanceof Op.Binary(var kind, var used, var _, var x, Value.Constant(long factor))
                        && kind == AluOp.MUL
                        && used == width
                        && (factor == 3 || factor == 5 || factor == 9)
                ? Optional.of(new Place(x, Optional.of(x), (int) factor - 1, 0))
                : Optional.empty();
    }

    /** {@code (x << n) + other}. */
    private static Optional<Place> shifted(Var var, Var other, Width width, Known known) {
        return known.definition(var).orElse(null)
                                instanceof Op.Binary(var kind, var used, var _, var x, Value.Constant(long count))
                        && kind == AluOp.LSH
                        && used == width
                        && count > 0
                        && count <= 3
                ? Optional.of(new Place(other, Optional.of(x), 1 << count, 0))
                : Optional.empty();
    }
}

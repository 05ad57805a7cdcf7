package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.Optional;
import java.util.Set;

/** {@code x << n | x >> (width - n)} is a rotation. */
final class Rotates implements Rewrite {
    private record Shifted(Var value, Width width, long count) {}

    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.Binary.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        if (!(op instanceof Op.Binary(var kind, var width, var dst, var left, Var right))
                || kind != AluOp.OR && kind != AluOp.ADD && kind != AluOp.XOR) {
            return op;
        }
        return rotation(width, dst, shifted(left, AluOp.LSH, known), shifted(right, AluOp.RSH, known))
                .or(() -> product(width, dst, left, right, known))
                .or(() -> product(width, dst, right, left, known))
                .or(() -> rotation(width, dst, shifted(right, AluOp.LSH, known), shifted(left, AluOp.RSH, known)))
                .orElse(op);
    }

    private static Optional<Op> rotation(Width width, Var dst, Optional<Shifted> up, Optional<Shifted> down) {
        int bits = width == Width.W64 ? 64 : 32;
        boolean same = up.isPresent()
                && down.isPresent()
                && up.get().value().equals(down.get().value())
                && up.get().width() == width
                && down.get().width() == width
                && up.get().count() + down.get().count() == bits;
        return same
                ? Optional.of(new Op.Rotate(
                        width, dst, up.get().value(), (int) up.get().count()))
                : Optional.empty();
    }

    /** {@code x * (c << n) | (x * c) >> (32 - n)} rotates a product, as some compilers write it. */
    private static Optional<Op> product(Width width, Var dst, Var up, Var down, Known known) {
        Optional<Shifted> low = shifted(down, AluOp.RSH, known);
        if (width == Width.W32
                && low.isPresent()
                && low.get().width() == width
                && low.get().count() < 32
                && multiplied(up, known).orElse(null)
                        instanceof Op.Binary(var _, var _, var _, var x, Value.Constant big)
                && multiplied(low.get().value(), known).orElse(null)
                        instanceof Op.Binary(var _, var _, var _, var y, Value.Constant small)
                && x.equals(y)
                && (int) big.value() == (int) small.value() << 32 - low.get().count()) {
            return Optional.of(new Op.Rotate(
                    width, dst, low.get().value(), 32 - (int) low.get().count()));
        }
        return Optional.empty();
    }

    private static Optional<Op.Pure> multiplied(Var var, Known known) {
        return known.definition(var)
                .filter(op ->
                        op instanceof Op.Binary binary && binary.op() == AluOp.MUL && binary.width() == Width.W32);
    }

    private static Optional<Shifted> shifted(Var var, AluOp direction, Known known) {
        return known.definition(var).orElse(null)
                                instanceof Op.Binary(var op, var width, var _, var src, Value.Constant(long count))
                        && op == direction
                        && count > 0
                ? Optional.of(new Shifted(src, width, count))
                : Optional.empty();
    }
}

package graft.ebpf.jit.pass;

import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.UnaryOp;
import java.util.Set;

/** Cuts nothing off values that are narrow already, and divides narrow values by the faster narrow division. */
final class Extensions implements Rewrite {
    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.Unary.class, Op.Binary.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        return switch (op) {
            case Op.Unary(var kind, var dst, var src)
            when kind == UnaryOp.ZERO_EXTEND_32 && known.isNarrow(src) -> new Op.Move(dst, src);
            case Op.Binary binary
            when binary.width() == Width.W64 && UpperHalf.fitsNarrowDivision(binary, known) ->
                new Op.Binary(binary.op(), Width.W32, binary.dst(), binary.left(), binary.right());
            default -> op; // nothing to gain
        };
    }
}

package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.UnaryOp;
import graft.ebpf.jit.ir.Value;
import java.util.Set;

/** {@code x <<= 32; x >>= 32} is how programs without 32-bit registers cut a value to 32 bits; signed likewise. */
final class ShiftPairs implements Rewrite {
    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.Binary.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        if (op instanceof Op.Binary(var second, var width, var dst, var middle, Value.Constant(long count))
                && width == Width.W64
                && (second == AluOp.RSH || second == AluOp.ARSH)
                && known.definition(middle).orElse(null)
                        instanceof Op.Binary(var first, var firstWidth, var _, var src, Value.Constant(long by))
                && first == AluOp.LSH
                && firstWidth == Width.W64
                && by == 32
                && count == 32) {
            return new Op.Unary(second == AluOp.RSH ? UnaryOp.ZERO_EXTEND_32 : UnaryOp.SIGN_EXTEND_32, dst, src);
        }
        return op;
    }
}

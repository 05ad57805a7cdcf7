package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;

/** Which operations define a variable whose upper half is zero. */
final class UpperHalf {
    private static final long LOW = 0xffff_ffffL;

    private UpperHalf() {}

    static boolean isZero(Op op, Known known) {
        return switch (op) {
            case Op.Move(Var _, Value src) -> isZero(src, known);
            case Op.Binary binary -> isZero(binary, known);
            case Op.Unary unary -> unary.op().zeroesUpperHalf();
            case Op.Rotate rotate -> rotate.width() == Width.W32;
            case Op.Load load -> load.size() != MemSize.DW && load.extension() == Extension.ZERO;
            case Op.Select select -> isZero(select.yes(), known) && isZero(select.no(), known);
            case Op.Lea lea -> lea.width() == Width.W32;
            case Op.ThreadValue _,
                    Op.ArrayLookup _,
                    Op.HashLookup _,
                    Op.Row _,
                    Op.BelowContextValue _,
                    Op.Store _,
                    Op.Atomic _,
                    Op.Call _,
                    Op.Last _ -> false;
        };
    }

    private static boolean isZero(Value value, Known known) {
        return switch (value) {
            case Value.Constant(long number) -> number == (number & LOW);
            case Var var -> known.isNarrow(var);
            case Value.Symbol _, Value.FrameAddress _ -> false;
        };
    }

    private static boolean isZero(Op.Binary op, Known known) {
        if (op.width() == Width.W32) {
            return true;
        }
        return switch (op.op()) {
            case AND -> known.isNarrow(op.left()) || isZero(op.right(), known);
            case OR, XOR -> known.isNarrow(op.left()) && isZero(op.right(), known);
            case RSH ->
                known.isNarrow(op.left()) || op.right() instanceof Value.Constant(long count) && (count & 63) >= 32;
            case ADD, SUB, MUL, DIV, MOD, SDIV, SMOD, LSH, ARSH, MOV -> false;
        };
    }

    /** Whether an unsigned division gives the same in 32 bits. */
    static boolean fitsNarrowDivision(Op.Binary op, Known known) {
        return (op.op() == AluOp.DIV || op.op() == AluOp.MOD) && known.isNarrow(op.left()) && isZero(op.right(), known);
    }
}

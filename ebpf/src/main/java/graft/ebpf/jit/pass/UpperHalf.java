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

    /** The upper half of a result. */
    enum Result {
        ZERO,
        /** Zero if certain variables that are read have a zero there. */
        AS_READ,
        ANY
    }

    /** What is known of the result without knowing anything about variables. */
    static Result of(Op.Pure op) {
        return switch (op) {
            case Op.Move(Var _, Var src) -> src.isFixed() ? Result.ANY : Result.AS_READ;
            case Op.Move(Var _, Value src) -> always(isNarrow(src));
            case Op.Binary binary -> binary.width() == Width.W32 ? Result.ZERO : of(binary.op());
            case Op.Unary unary -> always(unary.op().zeroesUpperHalf());
            case Op.Rotate rotate -> always(rotate.width() == Width.W32);
            case Op.Load load -> always(load.size() != MemSize.DW && load.extension() == Extension.ZERO);
            case Op.Select _ -> Result.AS_READ;
            case Op.Lea lea -> always(lea.width() == Width.W32);
            case Op.ThreadValue _, Op.ArrayLookup _, Op.HashLookup _, Op.Row _, Op.BelowContextValue _ -> Result.ANY;
        };
    }

    private static Result of(AluOp op) {
        return switch (op) {
            case AND, OR, XOR, RSH -> Result.AS_READ;
            case ADD, SUB, MUL, DIV, MOD, SDIV, SMOD, LSH, ARSH, MOV -> Result.ANY;
        };
    }

    private static Result always(boolean zero) {
        return zero ? Result.ZERO : Result.ANY;
    }

    /** For results that depend on what is read. */
    static boolean isZero(Op.Pure op, Known known) {
        return switch (op) {
            case Op.Move(Var _, Value src) -> isZero(src, known);
            case Op.Binary binary -> isZero(binary, known);
            case Op.Select select -> isZero(select.yes(), known) && isZero(select.no(), known);
            default -> of(op) == Result.ZERO; // depends on nothing
        };
    }

    private static boolean isNarrow(Value value) {
        return value instanceof Value.Constant(long number) && number == (number & LOW);
    }

    private static boolean isZero(Value value, Known known) {
        return switch (value) {
            case Var var -> known.isNarrow(var);
            case Value.Constant _, Value.Symbol _, Value.FrameAddress _ -> isNarrow(value);
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

package graft.ebpf.interp;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.ByteOrder;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Width;

/** Arithmetic and conditions of RFC 9669 on plain values. */
final class Alu {
    private static final long LOW = 0xffff_ffffL;

    private Alu() {}

    static long compute(AluOp op, Width width, long dst, long src) {
        return width == Width.W64 ? wide(op, dst, src) : narrow(op, (int) dst, (int) src) & LOW;
    }

    private static long wide(AluOp op, long dst, long src) {
        return switch (op) {
            case ADD -> dst + src;
            case SUB -> dst - src;
            case MUL -> dst * src;
            case DIV -> src == 0 ? 0 : Long.divideUnsigned(dst, src);
            case SDIV -> src == 0 ? 0 : dst / src;
            case MOD -> src == 0 ? dst : Long.remainderUnsigned(dst, src);
            case SMOD -> src == 0 ? dst : dst % src;
            case OR -> dst | src;
            case AND -> dst & src;
            case XOR -> dst ^ src;
            case LSH -> dst << src;
            case RSH -> dst >>> src;
            case ARSH -> dst >> src;
            case MOV -> src;
        };
    }

    private static int narrow(AluOp op, int dst, int src) {
        return switch (op) {
            case ADD -> dst + src;
            case SUB -> dst - src;
            case MUL -> dst * src;
            case DIV -> src == 0 ? 0 : Integer.divideUnsigned(dst, src);
            case SDIV -> src == 0 ? 0 : dst / src;
            case MOD -> src == 0 ? dst : Integer.remainderUnsigned(dst, src);
            case SMOD -> src == 0 ? dst : dst % src;
            case OR -> dst | src;
            case AND -> dst & src;
            case XOR -> dst ^ src;
            case LSH -> dst << src;
            case RSH -> dst >>> src;
            case ARSH -> dst >> src;
            case MOV -> src;
        };
    }

    static long negate(Width width, long value) {
        return width == Width.W64 ? -value : -value & LOW;
    }

    static long moveSigned(Insn.MoveSigned insn, long src) {
        long extended = signExtend(insn.bits(), src);
        return insn.width() == Width.W64 ? extended : extended & LOW;
    }

    static long signExtend(MemSize size, long value) {
        return signExtend(size.bytes() * 8, value);
    }

    private static long signExtend(int bits, long value) {
        return value << (64 - bits) >> (64 - bits);
    }

    static long swap(ByteOrder order, int bits, long value) {
        long low = bits == 64 ? value : value & ((1L << bits) - 1);
        return order == ByteOrder.TO_LE ? low : Long.reverseBytes(low) >>> (64 - bits);
    }

    static boolean holds(JumpOp op, Width width, long left, long right) {
        return width == Width.W64
                ? compare(op, left, right, Long.compareUnsigned(left, right))
                : compare(op, (int) left, (int) right, Integer.compareUnsigned((int) left, (int) right));
    }

    private static boolean compare(JumpOp op, long left, long right, int unsigned) {
        return switch (op) {
            case JEQ -> left == right;
            case JNE -> left != right;
            case JSET -> (left & right) != 0;
            case JGT -> unsigned > 0;
            case JGE -> unsigned >= 0;
            case JLT -> unsigned < 0;
            case JLE -> unsigned <= 0;
            case JSGT -> left > right;
            case JSGE -> left >= right;
            case JSLT -> left < right;
            case JSLE -> left <= right;
        };
    }
}

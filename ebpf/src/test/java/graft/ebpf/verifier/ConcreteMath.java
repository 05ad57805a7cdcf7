package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;

/** What instructions do to numbers, as RFC 9669 says. */
final class ConcreteMath {
    private ConcreteMath() {}

    static long apply(AluOp op, Width width, long a, long b) {
        if (width == Width.W64) {
            return wide(op, a, b);
        }
        int x = (int) a;
        int y = (int) b;
        long result = switch (op) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> y == 0 ? 0 : Integer.divideUnsigned(x, y);
            case SDIV -> y == 0 ? 0 : x / y;
            case MOD -> y == 0 ? x : Integer.remainderUnsigned(x, y);
            case SMOD -> y == 0 ? x : x % y;
            case OR -> x | y;
            case AND -> x & y;
            case XOR -> x ^ y;
            case LSH -> x << y;
            case RSH -> x >>> y;
            case ARSH -> x >> y;
            case MOV -> y;
        };
        return result & Range.LOW;
    }

    private static long wide(AluOp op, long a, long b) {
        return switch (op) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> b == 0 ? 0 : Long.divideUnsigned(a, b);
            case SDIV -> b == 0 ? 0 : a / b;
            case MOD -> b == 0 ? a : Long.remainderUnsigned(a, b);
            case SMOD -> b == 0 ? a : a % b;
            case OR -> a | b;
            case AND -> a & b;
            case XOR -> a ^ b;
            case LSH -> a << b;
            case RSH -> a >>> b;
            case ARSH -> a >> b;
            case MOV -> b;
        };
    }

    static boolean taken(JumpOp op, Width width, long left, long right) {
        long a = width == Width.W64 ? left : (int) left;
        long b = width == Width.W64 ? right : (int) right;
        int order = Long.compareUnsigned(a, b);
        return switch (op) {
            case JEQ -> a == b;
            case JNE -> a != b;
            case JGT -> order > 0;
            case JGE -> order >= 0;
            case JLT -> order < 0;
            case JLE -> order <= 0;
            case JSGT -> a > b;
            case JSGE -> a >= b;
            case JSLT -> a < b;
            case JSLE -> a <= b;
            case JSET -> (a & b) != 0;
        };
    }
}

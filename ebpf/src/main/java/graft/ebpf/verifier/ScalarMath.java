package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Width;

/**
 * Arithmetic on sets of numbers: the result holds every number the operation can give. A 32-bit operation is done on the
 * low halves, its result zero-extended. Division and remainder give anything, even at 32 bits, as in the kernel of 2025,
 * whose verdicts users' programs are written for.
 */
final class ScalarMath {
    private static final int HALF = 32;

    private ScalarMath() {}

    static Scalar apply(AluOp op, Width width, Scalar left, Scalar right) {
        if (op == AluOp.MOV) {
            return width == Width.W64 ? right : right.zeroExtended();
        }
        if (divides(op)) {
            return Scalar.UNKNOWN;
        }
        Tnum bits = bits(op, width, left.bits(width), right);
        Range low = range(op, Width.W32, left.low(), right.low());
        if (width == Width.W32) {
            Tnum lowBits = bits.low32();
            return Scalar.of(lowBits, Range.unsigned(Width.W64, low.umin(), low.umax()), low);
        }
        Range wide = op == AluOp.LSH && right.is(HALF)
                ? Range.signed(Width.W64, left.low().smin() << HALF, left.low().smax() << HALF)
                : range(op, Width.W64, left.wide(), right.wide());
        return Scalar.of(bits, wide, dependsOnLowHalvesOnly(op) ? low : Range.FULL32);
    }

    private static boolean divides(AluOp op) {
        return switch (op) {
            case DIV, SDIV, MOD, SMOD -> true;
            case ADD, SUB, MUL, OR, AND, XOR, LSH, RSH, ARSH, MOV -> false;
        };
    }

    static Scalar negated(Width width, Scalar operand) {
        return apply(AluOp.SUB, width, Scalar.ZERO, operand);
    }

    private static boolean dependsOnLowHalvesOnly(AluOp op) {
        return switch (op) {
            case ADD, SUB, MUL, OR, AND, XOR -> true;
            case DIV, SDIV, MOD, SMOD, LSH, RSH, ARSH, MOV -> false;
        };
    }

    private static Tnum bits(AluOp op, Width width, Tnum left, Scalar rightScalar) {
        Tnum right = rightScalar.bits(width);
        return switch (op) {
            case ADD -> left.add(right);
            case SUB -> left.sub(right);
            case MUL -> left.mul(right);
            case OR -> left.or(right);
            case AND -> left.and(right);
            case XOR -> left.xor(right);
            case LSH, RSH, ARSH ->
                right.isConstant() && Long.compareUnsigned(right.value(), width == Width.W64 ? 64 : 32) < 0
                        ? shifted(op, width, left, (int) right.value())
                        : Tnum.UNKNOWN;
            case DIV, SDIV, MOD, SMOD -> Tnum.UNKNOWN;
            case MOV -> right;
        };
    }

    private static Tnum shifted(AluOp op, Width width, Tnum left, int register) {
        int count = register & (width == Width.W64 ? 63 : 31);
        if (op == AluOp.LSH) {
            return left.shiftLeft(count);
        }
        if (op == AluOp.RSH) {
            return left.shiftRight(count);
        }
        Tnum signed = width == Width.W64 ? left : left.shiftLeft(32).shiftRightSigned(32);
        return signed.shiftRightSigned(count);
    }

    private static Range range(AluOp op, Width width, Range left, Range right) {
        return switch (op) {
            case ADD -> sum(width, left, right);
            case SUB -> difference(width, left, right);
            case MUL -> product(width, left, right);
            case AND -> Range.unsigned(width, 0, Range.minUnsigned(left.umax(), right.umax()));
            case OR ->
                Range.unsigned(
                        width,
                        Range.maxUnsigned(left.umin(), right.umin()),
                        Range.full(width).umax());
            case LSH, RSH, ARSH -> shift(op, width, left, right);
            case XOR, DIV, SDIV, MOD, SMOD -> Range.full(width);
            case MOV -> right;
        };
    }

    private static Range sum(Width width, Range left, Range right) {
        Range full = Range.full(width);
        long umin = left.umin() + right.umin();
        long umax = left.umax() + right.umax();
        boolean wraps = Long.compareUnsigned(umax, left.umax()) < 0 || Long.compareUnsigned(umax, full.umax()) > 0;
        Range unsigned = wraps ? full : Range.unsigned(width, umin, umax);
        long smin = left.smin() + right.smin();
        long smax = left.smax() + right.smax();
        boolean overflows = addOverflows(left.smin(), right.smin(), smin)
                || addOverflows(left.smax(), right.smax(), smax)
                || smin < full.smin()
                || smax > full.smax();
        return overflows ? unsigned : new Range(unsigned.umin(), unsigned.umax(), smin, smax);
    }

    private static boolean addOverflows(long left, long right, long sum) {
        return ((left ^ sum) & (right ^ sum)) < 0;
    }

    private static Range difference(Width width, Range left, Range right) {
        Range full = Range.full(width);
        boolean borrows = Long.compareUnsigned(left.umin(), right.umax()) < 0;
        Range unsigned = borrows ? full : Range.unsigned(width, left.umin() - right.umax(), left.umax() - right.umin());
        long smin = left.smin() - right.smax();
        long smax = left.smax() - right.smin();
        boolean overflows = subOverflows(left.smin(), right.smax(), smin)
                || subOverflows(left.smax(), right.smin(), smax)
                || smin < full.smin()
                || smax > full.smax();
        return overflows ? unsigned : new Range(unsigned.umin(), unsigned.umax(), smin, smax);
    }

    private static boolean subOverflows(long left, long right, long difference) {
        return ((left ^ right) & (left ^ difference)) < 0;
    }

    private static Range product(Width width, Range left, Range right) {
        Range full = Range.full(width);
        long umax = left.umax() * right.umax();
        boolean wraps = Math.unsignedMultiplyHigh(left.umax(), right.umax()) != 0
                || Long.compareUnsigned(umax, full.umax()) > 0;
        Range unsigned = wraps ? full : Range.unsigned(width, left.umin() * right.umin(), umax);
        long[] corners = {
            left.smin() * right.smin(), left.smin() * right.smax(),
            left.smax() * right.smin(), left.smax() * right.smax()
        };
        if (mulOverflows(left.smin(), right.smin())
                || mulOverflows(left.smin(), right.smax())
                || mulOverflows(left.smax(), right.smin())
                || mulOverflows(left.smax(), right.smax())) {
            return unsigned;
        }
        long smin = Math.min(Math.min(corners[0], corners[1]), Math.min(corners[2], corners[3]));
        long smax = Math.max(Math.max(corners[0], corners[1]), Math.max(corners[2], corners[3]));
        boolean outside = smin < full.smin() || smax > full.smax();
        return outside ? unsigned : new Range(unsigned.umin(), unsigned.umax(), smin, smax);
    }

    private static boolean mulOverflows(long left, long right) {
        return Math.multiplyHigh(left, right) != (left * right) >> 63;
    }

    /** Counts are masked at run time; bounds are only kept for counts that need no mask. */
    private static Range shift(AluOp op, Width width, Range left, Range right) {
        int bits = width == Width.W64 ? 64 : 32;
        Range full = Range.full(width);
        if (Long.compareUnsigned(right.umax(), bits) >= 0) {
            return full;
        }
        int least = (int) right.umin();
        int most = (int) right.umax();
        if (op == AluOp.RSH) {
            return Range.unsigned(width, left.umin() >>> most, left.umax() >>> least);
        }
        if (op == AluOp.ARSH) {
            return Range.signed(
                    width,
                    left.smin() >> (left.smin() < 0 ? least : most),
                    left.smax() >> (left.smax() < 0 ? most : least));
        }
        boolean loses = Long.compareUnsigned(left.umax(), full.umax() >>> most) > 0;
        return loses ? full : Range.unsigned(width, left.umin() << least, left.umax() << most);
    }
}

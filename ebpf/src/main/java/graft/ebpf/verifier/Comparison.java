package graft.ebpf.verifier;

import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;

/** What a conditional jump between two numbers can do, and what each way teaches about them. */
final class Comparison {
    private Comparison() {}

    /** Whether a branch is taken. */
    enum Outcome {
        ALWAYS,
        NEVER,
        EITHER
    }

    /** Both operands after one way of a branch; unchanged where nothing was learned. */
    record Refined(Scalar left, Scalar right) {}

    static Outcome outcome(JumpOp op, Width width, Scalar left, Scalar right) {
        Range a = left.range(width);
        Range b = right.range(width);
        return switch (op) {
            case JEQ -> equality(width, left, right);
            case JNE -> opposite(equality(width, left, right));
            case JGT -> order(Long.compareUnsigned(a.umin(), b.umax()) > 0, !unsignedAbove(a.umax(), b.umin()));
            case JGE -> order(Long.compareUnsigned(a.umin(), b.umax()) >= 0, unsignedAbove(b.umin(), a.umax()));
            case JLT -> order(unsignedAbove(b.umin(), a.umax()), Long.compareUnsigned(a.umin(), b.umax()) >= 0);
            case JLE -> order(!unsignedAbove(a.umax(), b.umin()), Long.compareUnsigned(a.umin(), b.umax()) > 0);
            case JSGT -> order(a.smin() > b.smax(), a.smax() <= b.smin());
            case JSGE -> order(a.smin() >= b.smax(), a.smax() < b.smin());
            case JSLT -> order(a.smax() < b.smin(), a.smin() >= b.smax());
            case JSLE -> order(a.smax() <= b.smin(), a.smin() > b.smax());
            case JSET -> anyBit(left.bits(width), right.bits(width));
        };
    }

    /** What is known when the branch is taken. */
    static Refined taken(JumpOp op, Width width, Scalar left, Scalar right) {
        return switch (op) {
            case JEQ -> equal(width, left, right);
            case JNE -> new Refined(without(width, left, right), without(width, right, left));
            case JGT -> lessOrEqual(width, right, left, 1).swapped();
            case JGE -> lessOrEqual(width, right, left, 0).swapped();
            case JLT -> lessOrEqual(width, left, right, 1).straight();
            case JLE -> lessOrEqual(width, left, right, 0).straight();
            case JSGT -> signedLessOrEqual(width, right, left, 1).swapped();
            case JSGE -> signedLessOrEqual(width, right, left, 0).swapped();
            case JSLT -> signedLessOrEqual(width, left, right, 1).straight();
            case JSLE -> signedLessOrEqual(width, left, right, 0).straight();
            case JSET -> new Refined(withBit(width, left, right), right);
        };
    }

    /** What is known when the branch falls through. */
    static Refined fallen(JumpOp op, Width width, Scalar left, Scalar right) {
        return switch (op) {
            case JEQ -> taken(JumpOp.JNE, width, left, right);
            case JNE -> taken(JumpOp.JEQ, width, left, right);
            case JGT -> taken(JumpOp.JLE, width, left, right);
            case JGE -> taken(JumpOp.JLT, width, left, right);
            case JLT -> taken(JumpOp.JGE, width, left, right);
            case JLE -> taken(JumpOp.JGT, width, left, right);
            case JSGT -> taken(JumpOp.JSLE, width, left, right);
            case JSGE -> taken(JumpOp.JSLT, width, left, right);
            case JSLT -> taken(JumpOp.JSGE, width, left, right);
            case JSLE -> taken(JumpOp.JSGT, width, left, right);
            case JSET -> new Refined(withoutBits(width, left, right), right);
        };
    }

    private record Ordered(Scalar smaller, Scalar larger) {
        Refined straight() {
            return new Refined(smaller, larger);
        }

        Refined swapped() {
            return new Refined(larger, smaller);
        }
    }

    private static boolean unsignedAbove(long left, long right) {
        return Long.compareUnsigned(left, right) > 0;
    }

    private static Outcome order(boolean always, boolean never) {
        return always ? Outcome.ALWAYS : never ? Outcome.NEVER : Outcome.EITHER;
    }

    private static Outcome opposite(Outcome outcome) {
        return switch (outcome) {
            case ALWAYS -> Outcome.NEVER;
            case NEVER -> Outcome.ALWAYS;
            case EITHER -> Outcome.EITHER;
        };
    }

    private static Outcome equality(Width width, Scalar left, Scalar right) {
        Range a = left.range(width);
        Range b = right.range(width);
        boolean same = a.isConstant() && b.isConstant() && a.umin() == b.umin();
        boolean different = a.intersect(b).isEmpty() || left.bits(width).isDisjoint(right.bits(width));
        return order(same, different);
    }

    private static Outcome anyBit(Tnum left, Tnum right) {
        boolean always = (left.value() & right.value()) != 0;
        boolean never = ((left.value() | left.mask()) & (right.value() | right.mask())) == 0;
        return order(always, never);
    }

    private static Refined equal(Width width, Scalar left, Scalar right) {
        Tnum a = left.bits(width);
        Tnum b = right.bits(width);
        if (a.isDisjoint(b)) {
            return new Refined(left, right);
        }
        Tnum bits = a.intersect(b);
        Range range = left.range(width).intersect(right.range(width));
        return new Refined(refined(width, left, bits, range), refined(width, right, bits, range));
    }

    /** {@code number} when it is known to differ from {@code other}: an end of its bounds may go. */
    private static Scalar without(Width width, Scalar number, Scalar other) {
        Range known = other.range(width);
        Range range = number.range(width);
        if (!known.isConstant() || range.isConstant()) {
            return number;
        }
        long umin = range.umin() == known.umin() ? range.umin() + 1 : range.umin();
        long umax = range.umax() == known.umin() ? range.umax() - 1 : range.umax();
        long smin = range.smin() == known.smin() ? range.smin() + 1 : range.smin();
        long smax = range.smax() == known.smin() ? range.smax() - 1 : range.smax();
        return refined(width, number, number.bits(width), new Range(umin, umax, smin, smax));
    }

    private static Ordered lessOrEqual(Width width, Scalar smaller, Scalar larger, int gap) {
        Range a = smaller.range(width);
        Range b = larger.range(width);
        // Without room for the gap the way is impossible; nothing is learned then.
        if (Long.compareUnsigned(b.umax(), gap) < 0
                || Long.compareUnsigned(a.umin(), Range.full(width).umax() - gap) > 0) {
            return new Ordered(smaller, larger);
        }
        Range below = new Range(a.umin(), Range.minUnsigned(a.umax(), b.umax() - gap), a.smin(), a.smax());
        Range above = new Range(Range.maxUnsigned(b.umin(), a.umin() + gap), b.umax(), b.smin(), b.smax());
        return new Ordered(
                refined(width, smaller, smaller.bits(width), below), refined(width, larger, larger.bits(width), above));
    }

    private static Ordered signedLessOrEqual(Width width, Scalar smaller, Scalar larger, int gap) {
        Range a = smaller.range(width);
        Range b = larger.range(width);
        Range full = Range.full(width);
        if (b.smax() < full.smin() + gap || a.smin() > full.smax() - gap) {
            return new Ordered(smaller, larger);
        }
        Range below = new Range(a.umin(), a.umax(), a.smin(), Math.min(a.smax(), b.smax() - gap));
        Range above = new Range(b.umin(), b.umax(), Math.max(b.smin(), a.smin() + gap), b.smax());
        return new Ordered(
                refined(width, smaller, smaller.bits(width), below), refined(width, larger, larger.bits(width), above));
    }

    private static Scalar withBit(Width width, Scalar number, Scalar mask) {
        Range bit = mask.range(width);
        if (!bit.isConstant() || Long.bitCount(bit.umin()) != 1) {
            return number;
        }
        Tnum bits = number.bits(width);
        Tnum known = new Tnum(bits.value() | bit.umin(), bits.mask() & ~bit.umin());
        return refined(width, number, known, number.range(width));
    }

    private static Scalar withoutBits(Width width, Scalar number, Scalar mask) {
        Range bit = mask.range(width);
        if (!bit.isConstant()) {
            return number;
        }
        Tnum bits = number.bits(width);
        if ((bits.value() & bit.umin()) != 0) {
            return number;
        }
        return refined(width, number, new Tnum(bits.value(), bits.mask() & ~bit.umin()), number.range(width));
    }

    /** {@code number} with new facts at one width; unchanged when they contradict what is known. */
    private static Scalar refined(Width width, Scalar number, Tnum bits, Range range) {
        if (range.isEmpty()) {
            return number;
        }
        Scalar result = width == Width.W64
                ? new Scalar(bits, range, number.low(), number.id(), number.delta(), number.origin())
                : new Scalar(
                        number.bits().withLow32(bits),
                        number.wide(),
                        range,
                        number.id(),
                        number.delta(),
                        number.origin());
        Scalar synced = result.synced();
        if (synced.isEmpty()) {
            return number;
        }
        return synced.sameNumbers(number) ? number : synced;
    }
}

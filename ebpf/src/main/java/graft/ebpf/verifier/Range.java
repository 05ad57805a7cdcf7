package graft.ebpf.verifier;

import graft.ebpf.insn.Width;

/**
 * Bounds of a number read as unsigned and as signed, at a width of 64 or 32 bits. At 32 bits the unsigned bounds are
 * zero-extended and the signed ones sign-extended, so that 64-bit comparisons are right for both.
 */
record Range(long umin, long umax, long smin, long smax) {
    static final long LOW = 0xffff_ffffL;
    static final Range FULL64 = new Range(0, -1L, Long.MIN_VALUE, Long.MAX_VALUE);
    static final Range FULL32 = new Range(0, LOW, Integer.MIN_VALUE, Integer.MAX_VALUE);

    static Range full(Width width) {
        return width == Width.W64 ? FULL64 : FULL32;
    }

    static Range constant(Width width, long value) {
        return width == Width.W64
                ? new Range(value, value, value, value)
                : new Range(value & LOW, value & LOW, (int) value, (int) value);
    }

    static Range unsigned(Width width, long umin, long umax) {
        Range full = full(width);
        return new Range(umin, umax, full.smin, full.smax);
    }

    static Range signed(Width width, long smin, long smax) {
        Range full = full(width);
        return new Range(full.umin, full.umax, smin, smax);
    }

    boolean isConstant() {
        return umin == umax;
    }

    /** Whether no number is in these bounds. */
    boolean isEmpty() {
        return Long.compareUnsigned(umin, umax) > 0 || smin > smax;
    }

    boolean covers(Range other) {
        return Long.compareUnsigned(umin, other.umin) <= 0
                && Long.compareUnsigned(umax, other.umax) >= 0
                && smin <= other.smin
                && smax >= other.smax;
    }

    Range intersect(Range other) {
        return new Range(
                maxUnsigned(umin, other.umin),
                minUnsigned(umax, other.umax),
                Math.max(smin, other.smin),
                Math.min(smax, other.smax));
    }

    /** What the unsigned bounds say about the signed ones and the other way round. */
    Range deduced(Width width) {
        Range range = this;
        long asSignedMin = width == Width.W64 ? umin : (int) umin;
        long asSignedMax = width == Width.W64 ? umax : (int) umax;
        if (asSignedMin <= asSignedMax) {
            range = new Range(umin, umax, Math.max(smin, asSignedMin), Math.min(smax, asSignedMax));
        }
        long asUnsignedMin = width == Width.W64 ? range.smin : range.smin & LOW;
        long asUnsignedMax = width == Width.W64 ? range.smax : range.smax & LOW;
        if (Long.compareUnsigned(asUnsignedMin, asUnsignedMax) <= 0 && (range.smin >= 0 || range.smax < 0)) {
            range = new Range(
                    maxUnsigned(range.umin, asUnsignedMin),
                    minUnsigned(range.umax, asUnsignedMax),
                    range.smin,
                    range.smax);
        }
        return range.smin < 0 && range.smax >= 0 ? range.acrossZero(width) : range;
    }

    /**
     * For signed bounds around zero: read as unsigned they leave a gap in the middle. Unsigned bounds that end in the gap
     * lie at one side of it.
     */
    private Range acrossZero(Width width) {
        long leastNegative = width == Width.W64 ? smin : smin & LOW;
        if (Long.compareUnsigned(umax, leastNegative) < 0) {
            long signedMin = width == Width.W64 ? umin : (int) umin;
            return new Range(umin, minUnsigned(umax, smax), Math.max(smin, Math.max(0, signedMin)), smax);
        }
        if (Long.compareUnsigned(smax, umin) < 0) {
            long signedMax = width == Width.W64 ? umax : (int) umax;
            return new Range(maxUnsigned(umin, leastNegative), umax, smin, Math.min(smax, Math.min(-1, signedMax)));
        }
        return this;
    }

    /** Bounds that known bits give. */
    static Range ofBits(Width width, Tnum bits) {
        long sign = width == Width.W64 ? Long.MIN_VALUE : 0x8000_0000L;
        long smin = bits.value() | (bits.mask() & sign);
        long smax = bits.value() | (bits.mask() & ~sign);
        if (width == Width.W32) {
            smin = (int) smin;
            smax = (int) smax;
        }
        return new Range(bits.value(), bits.value() | bits.mask(), smin, smax);
    }

    static long maxUnsigned(long left, long right) {
        return Long.compareUnsigned(left, right) >= 0 ? left : right;
    }

    static long minUnsigned(long left, long right) {
        return Long.compareUnsigned(left, right) <= 0 ? left : right;
    }
}

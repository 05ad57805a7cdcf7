package graft.ebpf.verifier;

import graft.ebpf.insn.Width;

/**
 * A number: its known bits, its 64-bit bounds ({@code wide}) and the bounds of its low half ({@code low}). Numbers with
 * the same non-zero {@code id} are equal at run time, so what is learned about one holds for all; {@code delta} is how far
 * this one is from them.
 */
record Scalar(Tnum bits, Range wide, Range low, int id, int delta, Origin origin) implements Value {
    static final int NO_ID = 0;
    static final Scalar UNKNOWN = new Scalar(Tnum.UNKNOWN, Range.FULL64, Range.FULL32, NO_ID);
    static final Scalar ZERO = constant(0);

    private static final long UPPER = ~Range.LOW;

    Scalar(Tnum bits, Range wide, Range low, int id) {
        this(bits, wide, low, id, 0, Origin.NONE);
    }

    static Scalar constant(long value) {
        return new Scalar(
                Tnum.constant(value), Range.constant(Width.W64, value), Range.constant(Width.W32, value), NO_ID);
    }

    /** Everything that fits the three facts, with what each says about the others. Unknown if they contradict. */
    static Scalar of(Tnum bits, Range wide, Range low) {
        Scalar scalar = new Scalar(bits, wide, low, NO_ID).synced();
        return scalar.isEmpty() ? UNKNOWN : scalar;
    }

    static Scalar unsigned(long umin, long umax) {
        return of(Tnum.range(umin, umax), Range.unsigned(Width.W64, umin, umax), Range.FULL32);
    }

    static Scalar signed(long smin, long smax) {
        return of(Tnum.UNKNOWN, Range.signed(Width.W64, smin, smax), Range.FULL32);
    }

    /** Whether it is a multiple of a power of two, whatever it is. */
    boolean isMultipleOf(int power) {
        return ((bits.value() | bits.mask()) & (power - 1)) == 0;
    }

    boolean isConstant() {
        return bits.mask() == 0;
    }

    boolean is(long value) {
        return isConstant() && bits.value() == value;
    }

    /** The value of a constant. */
    long constant() {
        return bits.value();
    }

    boolean isEmpty() {
        return wide.isEmpty() || low.isEmpty();
    }

    boolean fitsLow() {
        return (bits.value() & UPPER) == 0 && (bits.mask() & UPPER) == 0;
    }

    Range range(Width width) {
        return width == Width.W64 ? wide : low;
    }

    Tnum bits(Width width) {
        return width == Width.W64 ? bits : bits.low32();
    }

    Scalar withId(int newId) {
        return withId(newId, 0);
    }

    /** With an id that others share, and the distance from them. */
    Scalar withId(int newId, int newDelta) {
        return newId == id && newDelta == delta ? this : new Scalar(bits, wide, low, newId, newDelta, origin);
    }

    Scalar withOrigin(Origin newOrigin) {
        return newOrigin == origin ? this : new Scalar(bits, wide, low, id, delta, newOrigin);
    }

    /** Made from this and another number as well. */
    Scalar madeFrom(Scalar other) {
        return withOrigin(Origin.of(origin, other.origin));
    }

    /** This number decides about safety: all that it was made from is kept precise. */
    void mustBePrecise() {
        origin.mark();
    }

    /** Whether every number of {@code other} is one of this; ids are not looked at. */
    boolean covers(Scalar other) {
        return this == other || bits.covers(other.bits) && wide.covers(other.wide) && low.covers(other.low);
    }

    boolean sameNumbers(Scalar other) {
        return this == other || bits.equals(other.bits) && wide.equals(other.wide) && low.equals(other.low);
    }

    boolean contains(long number) {
        return bits.contains(number)
                && wide.covers(Range.constant(Width.W64, number))
                && low.covers(Range.constant(Width.W32, number));
    }

    /** The zero-extended low half. */
    Scalar zeroExtended() {
        if (fitsLow()) {
            return this;
        }
        return of(bits.low32(), Range.unsigned(Width.W64, low.umin(), low.umax()), low)
                .withOrigin(origin);
    }

    /** The zero-extended low {@code bytes} bytes. */
    Scalar truncated(int bytes) {
        if (bytes == 8) {
            return this;
        }
        if (bytes == 4) {
            return zeroExtended();
        }
        long mask = (1L << (8 * bytes)) - 1;
        if (Long.compareUnsigned(wide.umax(), mask) <= 0) {
            return this;
        }
        Tnum kept = bits.and(Tnum.constant(mask));
        return of(kept, Range.ofBits(Width.W64, kept), Range.FULL32).withOrigin(origin);
    }

    /** The sign-extended low {@code size} bits. */
    Scalar signExtended(int size) {
        if (size == 64) {
            return this;
        }
        long limit = 1L << (size - 1);
        boolean fits = wide.smin() >= -limit && wide.smax() < limit;
        if (fits) {
            return this;
        }
        int shift = 64 - size;
        Tnum extended = bits.shiftLeft(shift).shiftRightSigned(shift);
        Range range = Range.signed(Width.W64, -limit, limit - 1);
        if (size == 32) {
            range = range.intersect(Range.signed(Width.W64, low.smin(), low.smax()));
        }
        return of(extended, range, size == 32 ? low : Range.FULL32).withOrigin(origin);
    }

    /** The same numbers with every fact used to sharpen the others; may turn out empty. */
    Scalar synced() {
        if (bits.isConstant() && wide.isConstant() && low.isConstant() && consistentConstant()) {
            return this;
        }
        return once().once();
    }

    private boolean consistentConstant() {
        return wide.equals(Range.constant(Width.W64, bits.value()))
                && low.equals(Range.constant(Width.W32, bits.value()));
    }

    private Scalar once() {
        Range wideBounds = wide.intersect(Range.ofBits(Width.W64, bits)).deduced(Width.W64);
        Range lowBounds = low.intersect(Range.ofBits(Width.W32, bits.low32()))
                .intersect(lowOf(wideBounds))
                .deduced(Width.W32);
        wideBounds = wideBounds.intersect(wideOf(wideBounds, lowBounds)).deduced(Width.W64);
        if (wideBounds.isEmpty() || lowBounds.isEmpty()) {
            return new Scalar(bits, wideBounds, lowBounds, id, delta, origin);
        }
        Tnum wideBits = Tnum.range(wideBounds.umin(), wideBounds.umax());
        Tnum lowBits = Tnum.range(lowBounds.umin(), lowBounds.umax());
        Tnum halves = bits.isDisjoint(wideBits) ? bits : bits.intersect(wideBits);
        if (!halves.low32().isDisjoint(lowBits)) {
            halves = halves.withLow32(halves.low32().intersect(lowBits));
        }
        return new Scalar(halves, wideBounds, lowBounds, id, delta, origin);
    }

    /** Bounds of the low half that 64-bit bounds give: only when the upper half is the same for all. */
    private static Range lowOf(Range wide) {
        Range low = Range.FULL32;
        if (((wide.umin() ^ wide.umax()) & UPPER) == 0) {
            low = low.intersect(Range.unsigned(Width.W32, wide.umin() & Range.LOW, wide.umax() & Range.LOW));
        }
        if (((wide.smin() ^ wide.smax()) & UPPER) == 0) {
            low = low.intersect(Range.unsigned(Width.W32, wide.smin() & Range.LOW, wide.smax() & Range.LOW));
        }
        if (wide.smin() >= Integer.MIN_VALUE && wide.smax() <= Integer.MAX_VALUE) {
            low = low.intersect(Range.signed(Width.W32, wide.smin(), wide.smax()));
        }
        return low.deduced(Width.W32);
    }

    /**
     * 64-bit bounds that the low half gives. A number is at least the minimum's upper half with the smallest low half:
     * either its upper half is the same, or it is larger anyway. The same holds at the other end.
     */
    private static Range wideOf(Range wide, Range low) {
        long umin = (wide.umin() & UPPER) | low.umin();
        long umax = (wide.umax() & UPPER) | low.umax();
        long smin = (wide.smin() & UPPER) | low.umin();
        long smax = (wide.smax() & UPPER) | low.umax();
        Range range = new Range(umin, umax, smin, smax);
        if (wide.smin() >= Integer.MIN_VALUE && wide.smax() <= Integer.MAX_VALUE) {
            range = range.intersect(Range.signed(Width.W64, low.smin(), low.smax()));
        }
        return range;
    }
}

package graft.ebpf.verifier;

/**
 * A number of which some bits are known: those clear in {@code mask}, and then they are as in {@code value}. Bits set in
 * {@code mask} are clear in {@code value}.
 */
record Tnum(long value, long mask) {
    static final Tnum UNKNOWN = new Tnum(0, -1L);
    private static final long LOW = 0xffff_ffffL;

    static Tnum constant(long value) {
        return new Tnum(value, 0);
    }

    /** The common leading bits of all unsigned numbers from {@code min} to {@code max}. */
    static Tnum range(long min, long max) {
        long differing = min ^ max;
        if (differing == 0) {
            return constant(min);
        }
        int bits = 64 - Long.numberOfLeadingZeros(differing);
        if (bits == 64) {
            return UNKNOWN;
        }
        long mask = (1L << bits) - 1;
        return new Tnum(min & ~mask, mask);
    }

    boolean isConstant() {
        return mask == 0;
    }

    boolean contains(long number) {
        return ((number ^ value) & ~mask) == 0;
    }

    /** Whether every number of {@code other} is one of this. */
    boolean covers(Tnum other) {
        return (other.mask & ~mask) == 0 && ((other.value ^ value) & ~mask) == 0;
    }

    /** Whether no number is in both. */
    boolean isDisjoint(Tnum other) {
        return ((value ^ other.value) & ~mask & ~other.mask) != 0;
    }

    /** Numbers in both; only meaningful when they are not disjoint. */
    Tnum intersect(Tnum other) {
        long unknown = mask & other.mask;
        return new Tnum((value | other.value) & ~unknown, unknown);
    }

    Tnum low32() {
        return new Tnum(value & LOW, mask & LOW);
    }

    /** This with the low half replaced. */
    Tnum withLow32(Tnum low) {
        return new Tnum((value & ~LOW) | (low.value & LOW), (mask & ~LOW) | (low.mask & LOW));
    }

    Tnum add(Tnum other) {
        long sumOfMasks = mask + other.mask;
        long sum = value + other.value;
        long unknown = ((sumOfMasks + sum) ^ sum) | mask | other.mask;
        return new Tnum(sum & ~unknown, unknown);
    }

    Tnum sub(Tnum other) {
        long difference = value - other.value;
        long unknown = ((difference + mask) ^ (difference - other.mask)) | mask | other.mask;
        return new Tnum(difference & ~unknown, unknown);
    }

    Tnum and(Tnum other) {
        long possible = value | mask;
        long otherPossible = other.value | other.mask;
        long ones = value & other.value;
        return new Tnum(ones, possible & otherPossible & ~ones);
    }

    Tnum or(Tnum other) {
        long ones = value | other.value;
        return new Tnum(ones, (mask | other.mask) & ~ones);
    }

    Tnum xor(Tnum other) {
        long unknown = mask | other.mask;
        return new Tnum((value ^ other.value) & ~unknown, unknown);
    }

    Tnum shiftLeft(int count) {
        return new Tnum(value << count, mask << count);
    }

    Tnum shiftRight(int count) {
        return new Tnum(value >>> count, mask >>> count);
    }

    /** Arithmetic shift of a 64-bit number. */
    Tnum shiftRightSigned(int count) {
        return new Tnum(value >> count, mask >> count);
    }

    /** Product, bit by bit of {@code this}: a known one adds the other, an unknown one may add it. */
    Tnum mul(Tnum other) {
        if (isConstant() && other.isConstant()) {
            return constant(value * other.value);
        }
        long certain = value * other.value;
        Tnum uncertain = constant(0);
        Tnum left = this;
        Tnum right = other;
        while (left.value != 0 || left.mask != 0) {
            if ((left.value & 1) != 0) {
                uncertain = uncertain.add(new Tnum(0, right.mask));
            } else if ((left.mask & 1) != 0) {
                uncertain = uncertain.add(new Tnum(0, right.value | right.mask));
            }
            left = left.shiftRight(1);
            right = right.shiftLeft(1);
        }
        return constant(certain).add(uncertain);
    }
}

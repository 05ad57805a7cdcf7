package graft.ebpf.jit.x86_64;

import java.math.BigInteger;
import java.util.Optional;

/**
 * A number to multiply by in place of a division: {@code n / d == n * multiplier >> (bits + shift)} for every unsigned n of
 * so many bits (Granlund and Montgomery, Division by Invariant Integers using Multiplication).
 */
record Inverse(long multiplier, int shift) {
    /** The inverse of {@code divisor}, 2 or more, unless it needs more than {@code bits} bits. */
    static Optional<Inverse> of(int divisor, int bits) {
        BigInteger d = BigInteger.valueOf(divisor);
        for (int shift = 0; shift < 32; shift++) {
            BigInteger power = BigInteger.ONE.shiftLeft(bits + shift);
            BigInteger multiplier = power.add(d).subtract(BigInteger.ONE).divide(d);
            if (multiplier.bitLength() > bits) {
                return Optional.empty();
            }
            BigInteger error = multiplier.multiply(d).subtract(power);
            if (error.compareTo(BigInteger.ONE.shiftLeft(shift)) <= 0) {
                return Optional.of(new Inverse(multiplier.longValue(), shift));
            }
        }
        return Optional.empty();
    }
}

package graft.ebpf.jit.x86_64;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InverseTest {
    @Test
    void multiplyingDividesExactly() {
        SplittableRandom random = new SplittableRandom(1);
        for (int divisor = 2; divisor < 2000; divisor++) {
            for (int bits : new int[] {32, 64}) {
                Optional<Inverse> inverse = Inverse.of(divisor, bits);
                if (inverse.isPresent()) {
                    requireExact(divisor, inverse.get(), bits, random);
                }
            }
        }
        assertThat(Inverse.of(10, 64)).contains(new Inverse(0xcccc_cccc_cccc_cccdL, 3));
        assertThat(Inverse.of(7, 64)).isEmpty();
    }

    private static void requireExact(int number, Inverse inverse, int bits, SplittableRandom random) {
        BigInteger divisor = BigInteger.valueOf(number);
        BigInteger multiplier = new BigInteger(Long.toUnsignedString(inverse.multiplier()));
        for (int i = 0; i < 20; i++) {
            long any = bits == 64 ? random.nextLong() >> random.nextInt(64) : random.nextLong() >>> 32;
            BigInteger n = new BigInteger(Long.toUnsignedString(i == 0 ? bits == 64 ? -1 : 0xffff_ffffL : any));
            assertThat(n.multiply(multiplier).shiftRight(bits + inverse.shift()))
                    .isEqualTo(n.divide(divisor));
        }
    }
}

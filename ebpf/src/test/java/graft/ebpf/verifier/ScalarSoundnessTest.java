package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Every concrete result lies in the abstract one, for random sets of numbers and random members of them. */
class ScalarSoundnessTest {
    private static final int ROUNDS = 20_000;
    private final Random random = new Random(42);

    @Test
    void arithmeticKeepsEveryConcreteResult() {
        for (int round = 0; round < ROUNDS; round++) {
            long a = number();
            long b = number();
            Scalar left = around(a);
            Scalar right = around(b);
            for (AluOp op : AluOp.values()) {
                for (Width width : Width.values()) {
                    long result = ConcreteMath.apply(op, width, a, b);
                    Scalar abstracted = ScalarMath.apply(op, width, left, right);
                    assertThat(abstracted.contains(result))
                            .as(
                                    "%s %s of %x in %s and %x in %s is %x, not in %s",
                                    op, width, a, left, b, right, result, abstracted)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void comparisonsDecideAndRefineSoundly() {
        for (int round = 0; round < ROUNDS; round++) {
            long a = number();
            long b = random.nextInt(4) == 0 ? a : number();
            Scalar left = around(a);
            Scalar right = around(b);
            for (JumpOp op : JumpOp.values()) {
                for (Width width : Width.values()) {
                    boolean taken = ConcreteMath.taken(op, width, a, b);
                    Comparison.Outcome outcome = Comparison.outcome(op, width, left, right);
                    assertThat(outcome).isNotEqualTo(taken ? Comparison.Outcome.NEVER : Comparison.Outcome.ALWAYS);
                    Comparison.Refined refined = taken
                            ? Comparison.taken(op, width, left, right)
                            : Comparison.fallen(op, width, left, right);
                    assertThat(refined.left().contains(a) && refined.right().contains(b))
                            .as("%x %s %s %x, taken %s: %s", a, op, width, b, taken, refined)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void extensionsKeepEveryConcreteResult() {
        for (int round = 0; round < ROUNDS; round++) {
            long a = number();
            Scalar scalar = around(a);
            assertThat(scalar.signExtended(8).contains((byte) a)).isTrue();
            assertThat(scalar.signExtended(16).contains((short) a)).isTrue();
            assertThat(scalar.signExtended(32).contains((int) a)).isTrue();
            assertThat(scalar.truncated(1).contains(a & 0xff)).isTrue();
            assertThat(scalar.truncated(2).contains(a & 0xffff)).isTrue();
            assertThat(scalar.zeroExtended().contains(a & Range.LOW)).isTrue();
        }
    }

    private long number() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(64);
            case 1 -> -random.nextInt(64);
            case 2 -> random.nextInt();
            case 3 -> random.nextInt() & Range.LOW;
            case 4 -> Long.MIN_VALUE >> random.nextInt(64);
            default -> random.nextLong();
        };
    }

    /** A random set that {@code number} is in. */
    private Scalar around(long number) {
        Scalar result = Scalar.UNKNOWN;
        for (int facts = random.nextInt(4); facts > 0; facts--) {
            result = narrowed(result, number);
        }
        return random.nextInt(8) == 0 ? Scalar.constant(number) : result;
    }

    private Scalar narrowed(Scalar scalar, long number) {
        long below = number - (random.nextLong() >>> random.nextInt(64));
        long above = number + (random.nextLong() >>> random.nextInt(64));
        long mask = random.nextLong() & random.nextLong();
        Tnum bits = new Tnum(number & ~mask, mask).intersect(scalar.bits());
        Range wide = Range.FULL64;
        Range low = Range.FULL32;
        switch (random.nextInt(4)) {
            case 0 -> wide = Range.signed(Width.W64, Math.min(below, number), Math.max(above, number));
            case 1 ->
                wide = Range.unsigned(Width.W64, Range.minUnsigned(below, number), Range.maxUnsigned(above, number));
            case 2 ->
                low = Range.signed(Width.W32, Math.min((int) below, (int) number), Math.max((int) above, (int) number));
            default -> {
                return Scalar.of(bits, scalar.wide(), scalar.low());
            }
        }
        return Scalar.of(
                scalar.bits(), scalar.wide().intersect(wide), scalar.low().intersect(low));
    }
}

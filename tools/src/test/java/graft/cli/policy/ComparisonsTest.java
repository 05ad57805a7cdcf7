package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.policy.Comparisons.Sign;
import graft.syscalls.NamedConstants;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparisonsTest {
    private static final Comparisons FLAGS = new Comparisons(new Comparisons.Number(
            0, 32, Sign.SIGNED, Optional.of(NamedConstants.x8664().set("open"))));
    private static final Comparisons INT =
            new Comparisons(new Comparisons.Number(0, 32, Sign.SIGNED, Optional.empty()));
    private static final Comparisons LONG =
            new Comparisons(new Comparisons.Number(0, 64, Sign.UNSIGNED, Optional.empty()));
    private static final int O_WRONLY = 1;
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0100;
    private static final int O_EXCL = 0200;

    private static boolean holds(Comparisons comparisons, String text, long value) {
        return switch (comparisons.read(text)) {
            case Comparisons.Reading.Understood(var alternatives) ->
                alternatives.stream().anyMatch(all -> all.stream().allMatch(one -> one.holds(value)));
            case Comparisons.Reading.Wrong(var why) -> throw new AssertionError(why);
        };
    }

    private static String wrong(Comparisons comparisons, String text) {
        return ((Comparisons.Reading.Wrong) comparisons.read(text)).why();
    }

    @Test
    void numbersAreComparedAsTheirTypeSays() {
        assertThat(holds(INT, "3", 3)).isTrue();
        assertThat(holds(INT, "= 3", 0x1_0000_0003L)).isTrue(); // the call sees 32 bits
        assertThat(holds(INT, "-100", -100)).isTrue();
        assertThat(holds(INT, "< 0", -1)).isTrue();
        assertThat(holds(INT, "< 0", 1)).isFalse();
        assertThat(holds(INT, ">= -1", 0xffff_ffffL)).isTrue();
        assertThat(holds(LONG, "> 10", -1)).isTrue(); // without a sign it is large
        assertThat(holds(LONG, "!= 0x10", 16)).isFalse();
        assertThat(holds(LONG, "<= 0644", 0644)).isTrue();
        assertThat(holds(INT, "-2..2", -3)).isFalse();
        assertThat(holds(INT, "-2..2", -2)).isTrue();
        assertThat(holds(INT, "-2..2", 3)).isFalse();
    }

    @Test
    void flagsAreAskedByName() {
        assertThat(holds(FLAGS, "has O_CREAT|O_EXCL", O_WRONLY | O_CREAT | O_EXCL))
                .isTrue();
        assertThat(holds(FLAGS, "has O_CREAT|O_EXCL", O_CREAT)).isFalse();
        assertThat(holds(FLAGS, "any O_CREAT|O_EXCL", O_EXCL)).isTrue();
        assertThat(holds(FLAGS, "any O_CREAT|O_EXCL", O_WRONLY)).isFalse();
        assertThat(holds(FLAGS, "none O_CREAT|O_EXCL", O_WRONLY)).isTrue();
        assertThat(holds(FLAGS, "none O_CREAT|O_EXCL", O_CREAT)).isFalse();
        assertThat(holds(FLAGS, "O_WRONLY|O_CREAT", O_WRONLY | O_CREAT)).isTrue();
        assertThat(holds(FLAGS, "O_WRONLY|O_CREAT", O_CREAT)).isFalse();
    }

    @Test
    void numbersAmongFlagsAreNumbers() {
        assertThat(holds(FLAGS, "has O_RDONLY", O_CREAT)).isTrue();
        assertThat(holds(FLAGS, "has O_RDONLY", O_RDWR)).isFalse();
        assertThat(holds(FLAGS, "has O_WRONLY", O_WRONLY | O_CREAT)).isTrue();
        assertThat(holds(FLAGS, "any O_WRONLY|O_RDWR", O_RDWR | O_CREAT)).isTrue();
        assertThat(holds(FLAGS, "any O_WRONLY|O_RDWR", O_CREAT)).isFalse();
        assertThat(holds(FLAGS, "none O_RDONLY", O_CREAT)).isFalse();
    }

    @Test
    void whatMeansNothingIsSaid() {
        assertThat(wrong(FLAGS, "has O_FOO")).startsWith("O_FOO is neither a number nor one of O_RDONLY");
        assertThat(wrong(INT, "many")).isEqualTo("many is no number");
        assertThat(wrong(INT, "0x1_0000_0000")).isEqualTo("0x1_0000_0000 is no number");
        assertThat(wrong(INT, "0x1ffffffff")).isEqualTo("0x1ffffffff has more than 32 bits");
        assertThat(wrong(INT, "> ")).isEqualTo("a number is missing");
        assertThat(wrong(INT, "has 0")).isEqualTo("0 has no bits");
        assertThat(List.of("", "..", "1..", "a|b", "=="))
                .allSatisfy(text -> assertThat(INT.read(text)).isInstanceOf(Comparisons.Reading.Wrong.class));
    }
}

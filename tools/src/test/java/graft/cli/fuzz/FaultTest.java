package graft.cli.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Programs with faults in their encoding or control flow: graft's verdict is the kernel's. Needs root. */
class FaultTest {
    @Test
    void verdictsAreTheKernels() {
        assertSameVerdicts(1, 1_000);
    }

    @Test
    @Tag("slow")
    void verdictsAreTheKernelsOnManyMore() {
        assertSameVerdicts(1_000_000, 20_000);
    }

    private static void assertSameVerdicts(long first, int programs) {
        List<String> different = new ArrayList<>();
        int explained = 0;
        try (VerdictComparison comparison = new VerdictComparison()) {
            for (long seed = first; seed < first + programs; seed++) {
                byte[] code = comparison.program(seed);
                VerdictComparison.Opinions opinions = comparison.ask(code);
                switch (opinions.relation()) {
                    case SAME -> {}
                    case OWN_RULE, DEAD_CODE -> explained++;
                    case DIFFERENT -> different.add(text(seed, code, opinions, comparison));
                }
            }
        }
        assertThat(different).isEmpty();
        assertThat(explained).isLessThan(programs / 100);
    }

    private static String text(
            long seed, byte[] code, VerdictComparison.Opinions opinions, VerdictComparison comparison) {
        return "seed %d: graft %s, kernel %s: %s\n%s"
                .formatted(
                        seed,
                        opinions.graft().orElse("accepts"),
                        opinions.kernel().orElse("accepts"),
                        comparison.log(code),
                        HexFormat.of().formatHex(code));
    }
}

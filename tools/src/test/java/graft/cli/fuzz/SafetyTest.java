package graft.cli.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.fuzz.SafetyComparison.Result;
import graft.ebpf.insn.InsnList;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Programs that are safe or not by a hair: the kernel takes all that graft takes, and little more. Needs root. */
class SafetyTest {
    /** Of the programs that the kernel takes. */
    private static final double MOST_STRICT_PERCENT = 1;

    @Test
    void theKernelTakesWhatGraftTakes() {
        assertSameVerdicts(1, 500);
    }

    @Test
    @Tag("slow")
    void theKernelTakesWhatGraftTakesOfManyMore() {
        assertSameVerdicts(1_000_000, 20_000);
    }

    private static void assertSameVerdicts(long first, int programs) {
        List<String> unsound = new ArrayList<>();
        int taken = 0;
        int refused = 0;
        int strict = 0;
        int exact = 0;
        try (SafetyComparison comparison = new SafetyComparison()) {
            for (long seed = first; seed < first + programs; seed++) {
                InsnList program = SafetyGenerator.program(seed);
                switch (comparison.compare(program)) {
                    case Result.BothTake _ -> taken++;
                    case Result.BothRefuse _ -> refused++;
                    case Result.TooStrict _ -> strict++;
                    case Result.Unsound _ -> unsound.add("seed " + seed + ": " + comparison.reduced(program));
                    case Result.MoreExact _ -> exact++;
                    case Result.KernelGaveUp _, Result.TooLong _ -> {}
                }
            }
        }
        assertThat(unsound).isEmpty();
        assertThat(exact).isLessThanOrEqualTo(programs / 500);
        assertThat(taken).isGreaterThan(programs / 4);
        assertThat(refused).isGreaterThan(programs / 4);
        assertThat(100.0 * strict / (taken + strict)).isLessThan(MOST_STRICT_PERCENT);
    }
}

package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.KernelType;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AbsentHelpersTest {
    private static final int LAST = 211;
    private static final int OTHER_TYPES = 1;

    /** What the kernel's probes may call is there, or refused with a reason of its own. */
    @Test
    void helpersOfProbesAreOfferedOrHaveAReason() {
        String others = AbsentHelpers.why(OTHER_TYPES);
        for (int number : IntStream.rangeClosed(1, LAST).toArray()) {
            Optional<Prototype> prototype = Prototype.of(number);
            boolean forProbes = prototype
                    .filter(one -> one.programs().contains(KernelType.KPROBE))
                    .isPresent();
            boolean offered = Helper.byNumber(number).isPresent();
            if (!offered) {
                assertThat(AbsentHelpers.why(number).equals(others))
                        .as("%d %s", number, prototype)
                        .isEqualTo(!forProbes);
            }
        }
    }
}

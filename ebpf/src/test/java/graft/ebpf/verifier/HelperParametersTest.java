package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import org.junit.jupiter.api.Test;

class HelperParametersTest {
    @Test
    void helpersTakeWhatTheVerifierChecks() {
        for (Helper helper : Helper.values()) {
            if (Iterators.isIterator(helper.text()) || helper == Helper.SEND_NOTED_SIGNALS) {
                continue; // these have rules of their own, and this is called by no program
            }
            int checked =
                    Prototypes.of(helper.number()).orElseThrow().arguments().size();
            assertThat(helper.parameters())
                    .as(helper.text())
                    .isEqualTo(helper == Helper.TRACE_PRINTK ? checked + 3 : checked);
        }
    }
}

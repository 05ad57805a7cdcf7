package graft.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PidFilterTest {
    private static final InsnList PROGRAM =
            InsnList.of(new Insn.LoadWide(Reg.R3, new Wide.Function(3)), new Insn.Exit(), new Insn.Exit());

    @Test
    void isNothingForEveryProcess() {
        assertThat(PidFilter.inFrontOf(PROGRAM, Set.of())).isEqualTo(PROGRAM);
        assertThat(PidFilter.slots(Set.of())).isZero();
    }

    @Test
    void movesAddressesOfFunctions() {
        InsnList filtered = PidFilter.inFrontOf(PROGRAM, Set.of(7));
        assertThat(filtered.at(PidFilter.slots(Set.of(7))))
                .isEqualTo(new Insn.LoadWide(Reg.R3, new Wide.Function(3 + PidFilter.slots(Set.of(7)))));
    }
}

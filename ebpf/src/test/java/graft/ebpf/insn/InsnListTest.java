package graft.ebpf.insn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class InsnListTest {
    private static final InsnList LIST =
            InsnList.of(new Insn.LoadWide(Reg.R1, new Wide.Constant(1L << 40)), new Insn.Exit());

    @Test
    void countsTwoSlotsForWideLoads() {
        assertThat(LIST.slots()).isEqualTo(3);
        assertThat(LIST.at(2)).isEqualTo(new Insn.Exit());
    }

    @Test
    void hasNoInstructionInTheSecondSlotOfAWideLoad() {
        assertThat(LIST.startsAt(1)).isFalse();
        assertThatThrownBy(() -> LIST.at(1)).hasMessage("no instruction starts at slot 1 of 3");
    }
}

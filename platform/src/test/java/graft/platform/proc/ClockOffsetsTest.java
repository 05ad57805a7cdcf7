package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ClockOffsetsTest {
    @Test
    void areThoseThatTheKernelPrints() {
        assertThat(ClockOffsets.parse(List.of("monotonic       -5000  250000000", "boottime       100000         0")))
                .isEqualTo(new ClockOffsets(-4_999_750_000_000L, 100_000_000_000_000L));
    }

    @Test
    void ofThisProcessAreTheSameByItsNumber() {
        int self = Math.toIntExact(ProcessHandle.current().pid());
        assertThat(ClockOffsets.of(self)).isEqualTo(ClockOffsets.own());
    }

    @Test
    void ofAProcessThatIsNotThereAreNone() {
        assertThat(ClockOffsets.of(0)).isEqualTo(ClockOffsets.NONE);
    }
}

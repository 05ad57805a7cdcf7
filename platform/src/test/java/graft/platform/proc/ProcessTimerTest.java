package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcessTimerTest {
    @Test
    void readsTimersThatSendASignalToAThread() {
        String text = """
                ID: 0
                signal: 32/007f123456789012
                notify: signal/tid.2309
                ClockID: 1
                ID: 3
                signal: 14/0000000000000000
                notify: signal/pid.2309
                ClockID: 0
                ID: 4
                signal: 33/f000000000000001
                notify: signal/tid.77
                ClockID: 1
                """;
        assertThat(ProcessTimer.parse(text))
                .containsExactly(
                        new ProcessTimer(0, 32, 0x7f123456789012L, 2309),
                        new ProcessTimer(4, 33, 0xf000000000000001L, 77));
    }

    @Test
    void theKernelTellsOfThem() {
        assertThat(ProcessTimer.areTold()).isTrue();
        assertThat(ProcessTimer.of((int) ProcessHandle.current().pid())).isEmpty();
    }
}

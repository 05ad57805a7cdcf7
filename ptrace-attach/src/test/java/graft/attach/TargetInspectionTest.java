package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.Signals;
import graft.platform.proc.ProcessStat;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class TargetInspectionTest {
    private static Refusal refusal(int pid) {
        return ((TargetInspection.Refused) TargetInspection.inspect(pid)).refusal();
    }

    @Test
    void refusesItself() {
        assertThat(refusal((int) ProcessHandle.current().pid()).kind()).isEqualTo(Refusal.Kind.OWN_PROCESS);
    }

    @Test
    void refusesAPidThatDoesNotExist() {
        Refusal refusal = refusal(0x3ffffff);
        assertThat(refusal.kind()).isEqualTo(Refusal.Kind.NO_SUCH_PROCESS);
        assertThat(refusal.reason()).isEqualTo("there is no process 67108863");
    }

    @Test
    @Tag("slow")
    void refusesAStoppedProcessAndLeavesItStopped() {
        try (LiveTarget target = LiveTarget.start(1, "read")) {
            Signals.kill(target.pid, Signals.SIGSTOP);
            while (ProcessStat.of(target.pid).state() != 'T') {
                Thread.onSpinWait();
            }
            assertThat(refusal(target.pid).kind()).isEqualTo(Refusal.Kind.STOPPED);
            assertThat(ProcessStat.of(target.pid).state()).isEqualTo('T');
        }
    }

    @Test
    @Tag("slow")
    void refusesAZombie() {
        try (LiveTarget target = LiveTarget.start(1, "read")) {
            Signals.kill(target.pid, Signals.SIGKILL);
            while (ProcessStat.of(target.pid).state() != 'Z') {
                Thread.onSpinWait();
            }
            assertThat(refusal(target.pid).kind()).isEqualTo(Refusal.Kind.ZOMBIE);
        }
    }
}

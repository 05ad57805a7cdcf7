package graft.platform.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import graft.platform.proc.ProcessStat;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class CpuSetTest {
    private static final int SELF = Math.toIntExact(ProcessHandle.current().pid());

    private record Move(int left, int refusal, CpuSet allowed, int reached) {}

    @Test
    void threadLeavesTheProcessorThatItsSetLeavesOut() {
        assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);

        Move move = CompletableFuture.supplyAsync(
                        CpuSetTest::leave, task -> Thread.ofPlatform().start(task))
                .join();

        assertThat(move.refusal()).isZero();
        assertThat(move.allowed().contains(move.left())).isFalse();
        assertThat(move.allowed().contains(move.reached())).isTrue();
        assertThat(CpuSet.ofThisThread().contains(move.left()))
                .as("other threads keep theirs")
                .isTrue();
    }

    private static Move leave() {
        int left = processor();
        int refusal = CpuSet.ofThisThread().without(left).apply();
        return new Move(left, refusal, CpuSet.ofThisThread(), processor());
    }

    private static int processor() {
        int tid = (int) Syscall.GETTID.raw(0, 0, 0, 0, 0, 0);
        return ProcessStat.findThread(SELF, tid).orElseThrow().processor();
    }
}

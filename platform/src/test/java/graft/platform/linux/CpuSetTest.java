package graft.platform.linux;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessStat;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class CpuSetTest {
    @Test
    void threadLeavesTheProcessorThatItsSetLeavesOut() throws Exception {
        CpuSet all = CpuSet.ofThisThread();
        CompletableFuture<CpuSet> seen = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().start(() -> {
            int tid = (int) Syscall.GETTID.raw(0, 0, 0, 0, 0, 0);
            int cpu = ProcessStat.findThread((int) ProcessHandle.current().pid(), tid)
                    .orElseThrow()
                    .processor();
            CpuSet rest = all.without(cpu);
            if (rest.isEmpty()) {
                seen.complete(rest);
                return;
            }
            rest.apply();
            int now = ProcessStat.findThread((int) ProcessHandle.current().pid(), tid)
                    .orElseThrow()
                    .processor();
            seen.complete(rest.contains(now) ? CpuSet.ofThisThread() : all);
        });
        thread.join();
        Assumptions.assumeFalse(seen.get().isEmpty(), "one processor only");
        assertThat(seen.get()).hasToString(seen.get().toString()).isNotSameAs(all);
        assertThat(seen.get().toString()).isNotEqualTo(all.toString());
        assertThat(CpuSet.ofThisThread().toString()).isEqualTo(all.toString());
    }
}

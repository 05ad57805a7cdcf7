package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class MemoryLimitsTest {
    @Test
    void areThoseThatTheProcessWasStartedWith() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder("prlimit", "--as=123456789:", "--data=unlimited:", "sh", "-c", "read line").start();
        try {
            MemoryLimits limits = MemoryLimits.of((int) process.pid());
            while (limits.addressSpace() == Long.MAX_VALUE && process.isAlive()) {
                limits = MemoryLimits.of((int) process.pid());
            }
            assertThat(limits.addressSpace()).isEqualTo(123_456_789);
            assertThat(limits.data()).isEqualTo(Long.MAX_VALUE);
            assertThat(limits.mappings()).isGreaterThan(1000);
        } finally {
            process.destroyForcibly().waitFor();
        }
    }
}

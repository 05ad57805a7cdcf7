package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * Addresses that a program may ask for: readable, across pages, without access, unmapped, the kernel's, never touched,
 * unmapped by another thread meanwhile. The agent's program dies when one of them is loaded unguarded.
 */
class MemoryReadTest {
    @TempDir
    private Path folder;

    static boolean hasTransactions() {
        return graft.platform.proc.CpuFlags.ofThisMachine().has("rtm");
    }

    @Test
    void readsGoodAddressesAndSurvivesBadOnesBySystemCalls() throws IOException, InterruptedException {
        try (AgentHost host = AgentHost.start(AgentHost.compile(folder))) {
            assertThat(host.ask("read system-calls")).isEqualTo("ok");
        }
    }

    @Test
    @EnabledIf("hasTransactions")
    void readsGoodAddressesAndSurvivesBadOnesInTransactions() throws IOException, InterruptedException {
        try (AgentHost host = AgentHost.start(AgentHost.compile(folder))) {
            assertThat(host.ask("read transactions")).isEqualTo("ok");
        }
    }
}

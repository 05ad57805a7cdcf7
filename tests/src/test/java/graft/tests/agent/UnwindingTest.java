package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Walks by tables that lie, of stacks that are no stacks: each ends, and reads nothing that is not there. */
class UnwindingTest {
    private static final int SEEDS = 10;
    private static final int WALKS = 20_000;

    @TempDir
    private Path folder;

    @Test
    void endsAndNeverFaults() throws IOException, InterruptedException {
        try (AgentHost host = AgentHost.start(AgentHost.compile(folder))) {
            for (int seed = 1; seed <= SEEDS; seed++) {
                assertThat(host.number("unwind %d %d".formatted(seed, WALKS)))
                        .as("seed %d", seed)
                        .isGreaterThan(WALKS / 20);
            }
        }
    }
}

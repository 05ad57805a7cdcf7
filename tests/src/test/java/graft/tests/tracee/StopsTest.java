package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.Session;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a thread sees of a thousand stops: nothing. */
@Tag("slow")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StopsTest {
    /** Each attach and each detach stops every thread. */
    private static final int ROUNDS = 500;

    @TempDir
    private Path folder;

    @Test
    void noBlockingCallReturnsEarly() throws IOException {
        try (Tracee tracee = new Tracee(TraceeSource.named("blocked").compile(folder))) {
            for (int round = 0; round < ROUNDS; round++) {
                try (Session session = Probes.open(tracee, List.of("uprobe:work"), "little")) {
                    Probes.assertRestored(session);
                }
            }
            assertThat(tracee.run(100)).containsExactly(100L);
        }
    }
}

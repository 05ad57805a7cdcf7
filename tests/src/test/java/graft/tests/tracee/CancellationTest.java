package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.verifier.Permission;
import graft.platform.proc.ProcessTimer;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Threads that are cancelled while they are in the code around a call, where they wait in front of each: what they leave is
 * destroyed and cleaned up as without, which the tracee checks.
 */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CancellationTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/slow_calls.bpf.o");
    private static final int ROUNDS = 5;

    @TempDir
    private Path folder;

    private Tracee start() {
        return new Tracee(TraceeSource.named("unwound").compile(folder));
    }

    private static Session slowed(Tracee tracee) throws IOException {
        CollectionSpec object = Sessions.request(OBJECT, List.of()).object();
        SessionRequest request =
                new SessionRequest(object, SectionLinks.of(object).links(), List.of(tracee.pid()));
        return Sessions.open(request.allowing(Set.of(Permission.CHANGE)), new Attacher());
    }

    @Test
    void everythingIsLeftInOrder() throws IOException {
        try (Tracee tracee = start()) {
            List<Long> expected = tracee.run(40);
            try (Session session = slowed(tracee)) {
                assertThat(tracee.run(40)).isEqualTo(expected);
                assertThat(ProcessTimer.of(tracee.pid())).isEmpty();
                Probes.assertRestored(session);
            }
            assertThat(tracee.run(40)).isEqualTo(expected);
        }
    }

    /** When nothing waits any more, what made such a signal one of a cancellation can go. */
    @Test
    void aCancellationThatWaitsOutlivesTheDetach() throws IOException {
        try (Tracee tracee = start()) {
            tracee.beginTurn(1);
            for (int round = 0; round < ROUNDS; round++) {
                try (Session session = slowed(tracee)) {
                    while (ProcessTimer.of(tracee.pid()).isEmpty()) {
                        Thread.onSpinWait();
                    }
                    Probes.assertRestored(session);
                }
            }
            tracee.endTurn();
            assertThat(ProcessTimer.of(tracee.pid())).isEmpty();
        }
    }
}

package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.object.ProgType;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A filter ends the process at unknown calls, and at calls from places that are not those it was made with. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConfinedTest {
    /** They do not read memory that they do not know. */
    private static final Set<ProgType> RECORDS = EnumSet.of(ProgType.SYSCALL_ENTER, ProgType.SYSCALL_EXIT);

    private static final long TIMES = 300;
    private static final int TURNS = 8;

    @TempDir
    private Path folder;

    private Tracee start() {
        return new Tracee(TraceeSource.named("confined").compile(folder));
    }

    private static Session hooked(Tracee tracee) throws IOException {
        return Sessions.open(CallCounts.only(RECORDS, CallCounts.request(tracee)), new Attacher());
    }

    @Test
    void itWorksTheSameHooked() throws IOException {
        try (Tracee tracee = start()) {
            assertThat(tracee.run(TIMES)).containsExactly(TIMES, TIMES);
            try (Session session = hooked(tracee)) {
                assertThat(tracee.run(TIMES)).containsExactly(TIMES, TIMES);
                assertThat(CallCounts.of(session, "named")).isEqualTo(Map.of(0, TIMES, 1, TIMES));
                assertThat(CallCounts.of(session, "records")).hasSizeGreaterThan(10);
                Probes.assertRestored(session);
            }
            assertThat(tracee.run(TIMES)).containsExactly(TIMES, TIMES);
        }
    }

    @Test
    void itWorksTheSameWhileHooksComeAndGo() throws IOException {
        try (Tracee tracee = start()) {
            tracee.beginTurn(TIMES / 10);
            for (int turn = 0; turn < TURNS; turn++) {
                try (Session session = hooked(tracee)) {
                    Probes.assertRestored(session);
                }
            }
            tracee.endTurn();
        }
    }

    /** They would ask the kernel themselves: rt_sigprocmask may be called, but from the C library only. */
    @Test
    void programsThatItWouldEndForAreRefused() throws IOException {
        try (Tracee tracee = start()) {
            SessionRequest all = CallCounts.request(tracee);
            Session.Opening opening = Session.open(all, Map.of(), AgentImage.load(), new Attacher());
            assertThat(opening).isInstanceOf(Session.Opening.Refused.class);
            assertThat(opening.toString()).contains("the seccomp filter", "does not let rt_sigprocmask through");
            assertThat(tracee.run(TIMES)).containsExactly(TIMES, TIMES);
        }
    }
}

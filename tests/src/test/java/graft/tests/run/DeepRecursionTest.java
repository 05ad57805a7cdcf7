package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A million wrapped calls are under way at once: all returns are seen, or go where they would have gone. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeepRecursionTest {
    private static final Path COUNTS = Path.of("target/test-classes/bpf/whole.bpf.o");
    private static final Path OTHER_COUNTS = Path.of("target/test-classes/bpf/count_array.bpf.o");
    private static final int DEPTH = 1_000_000;
    private static final int ROUNDS = 3;
    private static final int ENTRIES = 0;
    private static final int RETURNS = 1;

    @TempDir
    private Path folder;

    /** A function that calls itself, and two of which the first jumps to the second. */
    private enum Recursion {
        CALLS("deep", "deep"),
        JUMPS("fall", "waits", "waits_more");

        private final String order;
        private final List<String> functions;

        Recursion(String order, String... functions) {
            this.order = order;
            this.functions = List.of(functions);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyReturnIsSeen(Recursion recursion) throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            try (Session session = Sessions.open(request(program, recursion), new Attacher())) {
                for (int round = 1; round <= ROUNDS; round++) {
                    dive(session, program, recursion, round);
                    program.does("!");
                    assertThat(calls(session, RETURNS)).isEqualTo(round * recursion.functions.size() * (DEPTH + 1L));
                }
                assertThat(session.missed().all()).isZero();
                assertRestored(session);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDetachEndsAllCallsThatAreUnderWay(Recursion recursion) throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            for (int round = 1; round <= ROUNDS; round++) {
                try (Session session = Sessions.open(request(program, recursion), new Attacher())) {
                    dive(session, program, recursion, 1);
                    assertRestored(session);
                    program.does("!");
                }
            }
        }
    }

    @Test
    void soDoesRecoveryWhenGraftWasKilled() {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            int pid = Integer.parseInt(program.pid());
            try (GraftProcess graft = GraftProcess.start(
                    "run",
                    OTHER_COUNTS.toString(),
                    "--attach",
                    "count_enter=uprobe::deepest",
                    "--attach",
                    "count_exit=uretprobe::deep",
                    "-p",
                    program.pid())) {
                graft.awaitLine("attached");
                program.begins("deep " + DEPTH);
                untilItIsThere(pid);
                graft.kill();
            }
            GraftRun recovery = GraftRun.of("recover");
            assertThat(recovery.status()).as(recovery.errors()).isZero();
            program.does("!");
        }
    }

    private static SessionRequest request(ToldProgram program, Recursion recursion) throws IOException {
        List<Integer> pids = List.of(Integer.parseInt(program.pid()));
        List<LinkRequest> links = new ArrayList<>();
        links.add(new LinkRequest.Uprobe(
                "little_entry", new Probe(Probe.Kind.ENTRY, "", recursion.functions.getFirst(), 0), 0));
        for (String function : recursion.functions) {
            links.add(new LinkRequest.Uprobe("little_return", new Probe(Probe.Kind.RETURN, "", function, 0), 0));
        }
        return new SessionRequest(Sessions.request(COUNTS, pids).object(), links, pids);
    }

    /** Lets it wait at the end of its recursion. */
    private static void dive(Session session, ToldProgram program, Recursion recursion, int round) {
        program.begins(recursion.order + " " + DEPTH);
        while (calls(session, ENTRIES) < round * (DEPTH + 1L)) {
            assertThat(session.hasLiveTarget()).isTrue();
        }
    }

    private static long calls(Session session, int event) {
        return ((ArrayMap) session.collection().map("calls").orElseThrow()).longAt(event);
    }

    /** The first count is of the recursion's end. */
    private static void untilItIsThere(int pid) {
        while (MappedCounts.first(pid) == 0) {
            assertThat(ProcessHandle.of(pid)).isPresent();
        }
    }

    private static void assertRestored(Session session) {
        assertThat(session.detach()).singleElement().satisfies(proof -> {
            assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(proof.quarantined()).isEmpty();
            if (Boolean.getBoolean("graft.figures")) {
                System.out.println(proof.timing());
            }
        });
        assertThat(session.hasLiveTarget()).isTrue();
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.StepListener;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.HashTable;
import graft.platform.proc.ProcessStat;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A detach takes the code pool away when nothing can return into it, and not before. */
@Tag("slow")
class IdlePoolTest {
    /** Spends most of a call's time in the pool. */
    private static final Path OBJECT = Path.of("target/test-classes/bpf/hash_changes.bpf.o");

    private static final Path COUNTS = Path.of("target/test-classes/bpf/whole.bpf.o");
    private static final int ROUNDS = 40;
    private static final int DEPTH = 9;

    @TempDir
    private Path folder;

    @Test
    void wordsLeftOnAStackKeepNothing() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            for (int round = 0; round < ROUNDS; round++) {
                try (Session session = open(program)) {
                    program.does("call 1000");

                    assertRestored(session);
                }
            }
        }
    }

    @Test
    void signalHandlersReturnIntoThePool() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            program.does("alarm 2000");
            program.begins("call " + Long.MAX_VALUE);
            for (int round = 0; round < ROUNDS; round++) {
                try (Session session = open(program)) {
                    untilInterruptedAtWork(session, program);

                    assertRestored(session);
                }
            }
        }
    }

    @Test
    void functionsThatWaitReturnToTheirCallers() throws IOException {
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder))) {
            for (int round = 0; round < ROUNDS; round++) {
                try (Session session = Sessions.open(waiting(program), new Attacher())) {
                    program.begins("wait " + DEPTH);
                    untilItWaits(session, program);

                    assertRestored(session);
                    program.does("!");
                }
            }
        }
    }

    /** Returns of functions that end with a jump, and entries of the one that they jump to. */
    private static SessionRequest waiting(ToldProgram program) throws IOException {
        List<Integer> pids = List.of(Integer.parseInt(program.pid()));
        List<LinkRequest> links = List.of(
                new LinkRequest.Uprobe("little_return", new Probe(Probe.Kind.RETURN, "", "waits", 0), 0),
                new LinkRequest.Uprobe("little_return", new Probe(Probe.Kind.RETURN, "", "waits_more", 0), 0),
                new LinkRequest.Uprobe("little_entry", new Probe(Probe.Kind.ENTRY, "", "waits_deeper", 0), 0));
        return new SessionRequest(Sessions.request(COUNTS, pids).object(), links, pids);
    }

    private static void untilItWaits(Session session, ToldProgram program) {
        ArrayMap calls = (ArrayMap) session.collection().map("calls").orElseThrow();
        long entries = 0;
        while (entries <= DEPTH
                || ProcessStat.of(Integer.parseInt(program.pid())).state() != 'S') {
            assertThat(session.hasLiveTarget()).isTrue();
            entries = calls.longAt(0);
        }
    }

    /** Once it works, most signals come while it is in the pool, and then it sleeps in the handler. */
    private static void untilInterruptedAtWork(Session session, ToldProgram program) {
        HashTable table = (HashTable) session.collection().map("table").orElseThrow();
        while (table.count() == 0
                || ProcessStat.of(Integer.parseInt(program.pid())).state() != 'S') {
            assertThat(session.hasLiveTarget()).isTrue();
        }
    }

    private Session open(ToldProgram program) throws IOException {
        Attacher attacher = new Attacher(folder.resolve("journals"), StepListener.NONE);
        return Sessions.open(Sessions.request(OBJECT, List.of(Integer.parseInt(program.pid()))), attacher);
    }

    private static void assertRestored(Session session) {
        assertThat(session.detach()).singleElement().satisfies(proof -> {
            assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(proof.quarantined()).isEmpty();
        });
        assertThat(session.hasLiveTarget()).isTrue();
    }
}

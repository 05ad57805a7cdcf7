package graft.tests.nginx;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.StepListener;
import graft.cli.bpf.PackagedProgram;
import graft.cli.load.Body;
import graft.cli.load.LoadResult;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.RingBuffer;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attach and detach of {@code graft tls}'s program, again and again, on a worker under load: it loses no request, logs
 * nothing, and is the same after each round. The number of rounds is the system property {@code graft.rounds}:
 * {@code ./graft test --rounds 500}.
 */
@Tag("slow")
class RoundsTest {
    private static final int ROUNDS = Integer.getInteger("graft.rounds", 25);
    private static final int CONNECTIONS = 16;
    private static final int BATCH = 256;
    private static final Duration LOAD_LIMIT = Duration.ofHours(1);
    private static final Duration EVENT_LIMIT = Duration.ofSeconds(20);

    @TempDir
    private Path folder;

    @Test
    void workerUnderLoadIsTheSameAfterEachRound() throws IOException {
        Path object = Files.write(folder.resolve("tls.bpf.o"), PackagedProgram.TLS.bytes());
        Path journals = folder.resolve("journals");
        RoundFigures figures = new RoundFigures();
        try (NginxServer server = NginxServer.start();
                WrkLoad load = WrkLoad.start(server.url(Body.HELLO), WrkLoad.Shape.full(1, CONNECTIONS, LOAD_LIMIT))) {
            int worker = busiest(server);
            SessionRequest request = Sessions.request(object, List.of(worker));
            Map<String, String> files = WorkerState.textInFiles(worker);
            WorkerState before = WorkerState.of(worker);
            assertThat(WorkerState.textInMemory(worker)).isEqualTo(files);
            round(request, journals, new RoundFigures()); // makes what a process has once: lifeline and tracer
            OwnResources own = OwnResources.now();
            for (int round = 1; round <= ROUNDS; round++) {
                long began = System.nanoTime();
                DetachProof proof = round(request, journals, figures);
                figures.detached(proof, System.nanoTime() - began);
                assertThat(WorkerState.textInMemory(worker))
                        .as("round %d", round)
                        .isEqualTo(files);
                assertThat(WorkerState.of(worker))
                        .as("round %d: %s", round, proof)
                        .isEqualTo(before);
                assertThat(proof.clean()).as("round %d: %s", round, proof).isTrue();
                assertThat(journals).isEmptyDirectory();
                assertThat(OwnResources.now()).as("round %d", round).isEqualTo(own);
            }
            LoadResult result = load.stop();
            System.out.println(figures.text() + "\n  " + result);
            assertThat(result.isClean()).as("%s", result).isTrue();
            assertThat(server.errorsSinceStart()).isEmpty();
            assertThat(server.workerPids()).contains(worker);
        }
    }

    /** One session: attached, at least one event read, detached. */
    private static DetachProof round(SessionRequest request, Path journals, RoundFigures figures) {
        try (Session session = Sessions.open(request, new Attacher(journals, StepListener.NONE))) {
            figures.attached(session.attachments().getFirst().timing());
            RingBuffer events = (RingBuffer) session.collection().map("events").orElseThrow();
            List<Long> sizes = new ArrayList<>();
            long deadline = System.nanoTime() + EVENT_LIMIT.toNanos();
            while (events.drain(record -> sizes.add(record.byteSize()), BATCH) == 0) {
                assertThat(System.nanoTime()).as("no event in %s", EVENT_LIMIT).isLessThan(deadline);
                events.await(EVENT_LIMIT);
            }
            assertThat(sizes).isNotEmpty();
            return session.detach().getFirst();
        }
    }

    /** The worker with more connections, once the server has accepted all of them. */
    private static int busiest(NginxServer server) {
        List<Integer> workers = server.workerPids();
        ServerSockets.awaitAccepted(server.port(), CONNECTIONS);
        return workers.stream()
                .max(Comparator.comparingLong(worker -> WorkerState.of(worker).sockets()))
                .orElseThrow();
    }
}

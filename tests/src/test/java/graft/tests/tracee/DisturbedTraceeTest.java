package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.DetachProof;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Somebody else has changed the tracee, or there is no room in it: the attach is refused and nothing is changed. */
@Tag("slow")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DisturbedTraceeTest {
    private static final List<String> WORK = List.of("uprobe:work");

    @TempDir
    private Path folder;

    private Tracee tracee;

    @BeforeEach
    void start() {
        tracee = new Tracee(TraceeSource.named("plain").compile(folder));
    }

    @AfterEach
    void stop() {
        tracee.close();
    }

    private void assertGoesOn() {
        assertThat(tracee.run(100)).containsExactly(100L, 100L);
    }

    private String refusal() throws IOException {
        List<String> before = mappings();
        SessionRefusal refusal = Probes.refused(tracee, WORK, "little");
        assertThat(mappings()).isEqualTo(before);
        assertGoesOn();
        return refusal.toString();
    }

    private List<String> mappings() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + tracee.pid() + "/maps"));
    }

    @Test
    void aPlaceThatAnotherSessionHasPatched() throws IOException {
        try (Session first = Probes.open(tracee, WORK, "little")) {
            assertThat(refusal()).contains("the text at work+0", "another tool has patched the process");
            assertThat(Probes.count(first, 0)).isEqualTo(100);
            Probes.assertRestored(first);
        }
        assertGoesOn();
    }

    @Test
    void aPlaceWithAKernelProbe() throws IOException {
        KernelSession.Opening opening = KernelSession.open(Probes.request(tracee, WORK, "little"), Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        try (KernelSession kernel = ((KernelSession.Opening.Opened) opening).session()) {
            assertThat(kernel.links()).isEqualTo(1);
            assertThat(refusal()).contains("the text at work+0", " is cc ");
        }
        assertGoesOn();
    }

    @Test
    void aProcessThatMayNotHaveMoreAddressSpace() throws IOException, InterruptedException {
        limit("--as=65536");
        assertThat(refusal()).contains("bytes of address space", "may have 65,536 (RLIMIT_AS)");
    }

    @Test
    void aProcessThatMayNotHaveMoreData() throws IOException, InterruptedException {
        limit("--data=65536");
        assertThat(refusal()).contains("bytes of data", "may have 65,536 (RLIMIT_DATA)");
    }

    private void limit(String limit) throws IOException, InterruptedException {
        Process prlimit = new ProcessBuilder("prlimit", "--pid", Integer.toString(tracee.pid()), limit).start();
        assertThat(prlimit.waitFor()).isZero();
    }

    @Test
    void aProcessWithAsManyMappingsAsThereMayBe() throws IOException {
        instead("crowded");
        assertThat(refusal()).contains("mappings; it has ", " and may have ");
    }

    @Test
    void aProcessWithoutRoomNearTheFunction() throws IOException {
        instead("surrounded");
        assertThat(refusal()).contains("NoRoom[", "module=" + folder.resolve("surrounded"));
    }

    private void instead(String name) throws IOException {
        tracee.close();
        tracee = new Tracee(TraceeSource.named(name).compile(folder));
        assertGoesOn();
    }

    @Test
    void sessionsOnOnePageAreUndoneEachForItself() throws IOException {
        try (Session first = Probes.open(tracee, WORK, "little");
                Session second = Probes.open(tracee, List.of("uprobe:unused"), "little")) {
            assertGoesOn();
            assertThat(first.detach()).singleElement().satisfies(proof -> {
                assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.RESTORED);
                assertThat(proof.pages()).noneMatch(DetachProof.Page::matchesFile);
                assertThat(proof.clean()).isFalse();
            });
            assertGoesOn();
            Probes.assertRestored(second);
            assertThat(second.detach()).allMatch(DetachProof::clean);
            assertThat(Probes.count(first, 0)).isEqualTo(100);
        }
    }

    /** Each finds the process traced by another one now and then, for less than a millisecond. */
    @Test
    void manySessionsComeAndGoAtOnce() throws InterruptedException, ExecutionException {
        tracee.beginTurn(10);
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> all = new ArrayList<>();
            for (String function : List.of("work", "unused", "main", "_start")) {
                all.add(threads.submit(() -> {
                    for (int turn = 0; turn < 40; turn++) {
                        try (Session session = Probes.open(tracee, List.of("uprobe:" + function), "little")) {
                            assertThat(session.detach())
                                    .allMatch(proof -> proof.outcome() == DetachProof.Outcome.RESTORED);
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        tracee.endTurn();
        assertGoesOn();
    }

    /** The second wraps a call that the first has wrapped, and returns into the first one's memory. */
    @Test
    void sessionsThatWrapOneCallLeaveInAnyOrder() throws IOException {
        tracee.close();
        tracee = new Tracee(TraceeSource.named("slow-tail").compile(folder));
        tracee.beginTurn(10);
        for (int turn = 0; turn < 20; turn++) {
            Session first = Probes.open(tracee, List.of("uretprobe:first"), "little");
            Session second = Probes.open(tracee, List.of("uretprobe:second"), "little");
            (turn % 2 == 0 ? first : second).close();
            (turn % 2 == 0 ? second : first).close();
            assertThat(tracee.isAlive()).isTrue();
        }
        tracee.endTurn();
    }

    /** Nothing is left of the probes, and the process can be attached to again. */
    @Test
    void aProcessThatStartsAnotherProgram() throws IOException {
        try (Session session = Probes.open(tracee, WORK, "little")) {
            assertGoesOn();
            tracee.exec();
            assertGoesOn();
            assertThat(Probes.count(session, 0)).isEqualTo(100);
            assertThat(session.detach())
                    .singleElement()
                    .satisfies(proof -> assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.TARGET_GONE));
        }
        try (Session session = Probes.open(tracee, WORK, "little")) {
            assertGoesOn();
            assertThat(Probes.count(session, 0)).isEqualTo(100);
            Probes.assertRestored(session);
        }
    }

    @Test
    void noMappingIsWritableAndExecutable() throws IOException {
        try (Session session = Probes.open(tracee, WORK, "much")) {
            assertThat(mappings()).noneMatch(line -> line.contains("wx"));
            assertGoesOn();
            Probes.assertRestored(session);
        }
    }
}

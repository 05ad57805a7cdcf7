package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.Attachment;
import graft.attach.DetachProof;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.KeyedMap;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ProcMem;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that a tracee forks while it is probed get back what was changed in their memory. */
@Tag("slow")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HeirsTest {
    private static final List<String> PLACES = List.of("uprobe:work", "uretprobe:work");
    private static final int FORKING = 7;

    @TempDir
    private Path folder;

    private Path program;
    private Tracee tracee;
    private List<ProcessHandle> heirs = List.of();

    @BeforeEach
    void start() {
        program = TraceeSource.named("heirs").compile(folder);
        tracee = new Tracee(program);
    }

    @AfterEach
    void stop() {
        heirs.forEach(ProcessHandle::destroyForcibly);
        tracee.close();
    }

    private void fork() throws IOException {
        assertThat(tracee.run(FORKING)).containsExactly(7L, 7L);
        heirs = descendants();
        for (ProcessHandle heir : heirs) {
            assertThat(maps(heir)).contains("/memfd:graft");
        }
    }

    private List<ProcessHandle> descendants() {
        List<ProcessHandle> both =
                ProcessHandle.of(tracee.pid()).orElseThrow().descendants().toList();
        assertThat(both).hasSize(2);
        return both;
    }

    private static String maps(ProcessHandle process) throws IOException {
        return Files.readString(Path.of("/proc/" + process.pid() + "/maps"));
    }

    private void assertRestored() throws IOException {
        for (ProcessHandle heir : heirs) {
            assertThat(heir.isAlive()).isTrue();
            assertThat(maps(heir)).doesNotContain("graft");
        }
    }

    @Test
    void heirsAreRestoredWithTheirParent() throws IOException {
        try (Session session = Probes.open(tracee, PLACES, "little")) {
            fork();
            assertThat(tracee.run(3)).containsExactly(3L, 3L);
            assertThat(Probes.count(session, 0)).isEqualTo(10);
            assertThat(Probes.count(session, 1)).isEqualTo(10);

            assertThat(session.detach()).singleElement().satisfies(proof -> {
                assertThat(proof.clean()).as(proof.toString()).isTrue();
                assertThat(proof.heirs()).isEqualTo(2);
            });
        }
        assertRestored();
        assertThat(tracee.run(3)).containsExactly(3L, 3L);
    }

    /** A policy ends processes by numbers that processes write. */
    @Test
    void aSessionKnowsItsProcesses() throws IOException {
        ProcessHandle stranger = new ProcessBuilder("sleep", "60").start().toHandle();
        try (Session session = Probes.open(tracee, PLACES, "little")) {
            fork();
            Attachment attachment = session.attachments().getFirst();
            assertThat(attachment.isIn(tracee.pid())).isTrue();
            assertThat(heirs).allMatch(heir -> attachment.isIn((int) heir.pid()));
            assertThat(List.of(-1, 0, 1, (int) stranger.pid(), (int)
                            ProcessHandle.current().pid()))
                    .noneMatch(attachment::isIn);
        } finally {
            stranger.destroyForcibly();
        }
    }

    @Test
    void heirsOfATargetThatHasEndedAreRestored() throws IOException {
        try (Session session = Probes.open(tracee, PLACES, "little")) {
            fork();
            tracee.close();
            assertThat(session.detach()).singleElement().satisfies(proof -> {
                assertThat(proof.outcome()).as(proof.toString()).isEqualTo(DetachProof.Outcome.TARGET_GONE);
                assertThat(proof.heirs()).isEqualTo(2);
            });
        }
        assertRestored();
    }

    /** They have the same program at the same addresses, and there the same maps. */
    @Test
    void targetsThatWereForkedBeforeAreNoHeirs() throws IOException {
        assertThat(tracee.run(FORKING)).containsExactly(7L, 7L);
        heirs = descendants();
        SessionRequest one = Probes.request(tracee, PLACES, "little");
        List<Integer> pids = heirs.stream().map(heir -> (int) heir.pid()).toList();
        SessionRequest request = new SessionRequest(one.object(), one.links(), pids, one.onRefusal());

        try (Session session = Sessions.open(request, new Attacher())) {
            assertThat(session.detach()).hasSize(2).allSatisfy(proof -> {
                assertThat(proof.clean()).as(proof.toString()).isTrue();
                assertThat(proof.restored()).isEqualTo(proof.sites()).isPositive();
                assertThat(proof.heirs()).isZero();
            });
        }
        assertRestored();
        assertThat(tracee.run(3)).containsExactly(3L, 3L);
    }

    private static long number(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getLong();
    }

    private Session follow(Tracee followed, String counting) throws IOException {
        SessionRequest request = Probes.request(followed, PLACES, counting).with(ForkedChildren.FOLLOWED);
        return Sessions.open(request, new Attacher());
    }

    @Test
    void followedHeirsAreTracedUnderTheirOwnNumber() throws IOException {
        try (Tracee parent = new Tracee(TraceeSource.named("processes").compile(folder));
                Session session = follow(parent, "by_process")) {
            long rounds = parent.run(400).getFirst();
            // Each round forks one child that makes one call, and makes one itself; calls count at entry and return.
            assertThat(Probes.count(session, 0)).isEqualTo(2 * rounds);
            Map<Long, Long> calls = new HashMap<>();
            KeyedMap processes =
                    (KeyedMap) session.collection().map("processes").orElseThrow();
            processes
                    .keys()
                    .forEach(key ->
                            calls.put(number(key), number(processes.lookup(key).orElseThrow())));
            assertThat(calls).containsEntry((long) parent.pid(), 2 * rounds).hasSize((int) rounds + 1);
            calls.remove((long) parent.pid());
            assertThat(calls.values()).containsOnly(2L);
        }
    }

    /** Whose number they have is whose locks are freed when that one ends. */
    @Test
    void heirsOfATargetThatIsSwitchedOffAreSwitchedOnUnderTheirOwnNumber() throws IOException {
        try (Session session = follow(tracee, "little")) {
            assertThat(session.switchOff()).isEmpty();
            fork();
            assertThat(session.switchOn()).isEmpty();
            long before = Probes.count(session, 0);
            while (Probes.count(session, 0) < before + 100) {
                assertThat(session.hasLiveTarget()).isTrue();
            }
            RemoteAddress config = session.attachments()
                    .getFirst()
                    .injection()
                    .pools()
                    .getFirst()
                    .address()
                    .plus(PoolConstants.CONFIG_OFFSET - PoolConstants.RUNTIME_SIZE);
            for (ProcessHandle heir : heirs) {
                try (ProcMem memory = ProcMem.open((int) heir.pid())) {
                    byte[] tgid = memory.readBytes(config.plus(ConfigLayout.TGID), Integer.BYTES);
                    assertThat(ByteBuffer.wrap(tgid)
                                    .order(ByteOrder.nativeOrder())
                                    .getInt())
                            .isEqualTo((int) heir.pid());
                }
            }
        }
        assertRestored();
    }

    @Test
    void followedHeirsKeepTheSessionAfterTheirParent() throws IOException {
        try (Session session = follow(tracee, "little")) {
            fork();
            tracee.close();
            long before = Probes.count(session, 0);
            while (Probes.count(session, 0) < before + 100) {
                assertThat(session.hasLiveTarget()).isTrue();
            }
            heirs.forEach(ProcessHandle::destroyForcibly);
            heirs.forEach(heir -> heir.onExit().join());
            while (session.hasLiveTarget()) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void heirsAreRecoveredAfterGraftWasKilled() throws IOException {
        GraftProcess graft =
                GraftProcess.start("count", program.getFileName() + ":work", "-p", Integer.toString(tracee.pid()));
        graft.awaitLine("counting");
        fork();
        graft.kill();
        tracee.close();
        GraftRun recovered = GraftProcess.start("recover").end();
        assertThat(recovered.status()).as(recovered.errors()).isZero();
        assertRestored();
    }
}

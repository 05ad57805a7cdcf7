package graft.tests.nginx;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.DetachProof;
import graft.cli.bpf.PackagedProgram;
import graft.cli.load.Body;
import graft.cli.load.CurlLoad;
import graft.cli.load.NginxServer;
import graft.daemon.Session;
import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.tests.command.GraftRun;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code graft plan} prints is what an attach writes: these bytes at these addresses, and nothing else. */
@Tag("slow")
class PlanIsInjectionTest {
    private static final int REQUESTS = 20;

    @TempDir
    private Path folder;

    @Test
    void attachWritesExactlyThePlanAndDetachTakesAllOfItBack() throws IOException {
        Path object = Files.write(folder.resolve("tls.bpf.o"), PackagedProgram.TLS.bytes());
        try (NginxServer server = NginxServer.start()) {
            List<Integer> workers = server.workerPids();
            workers.forEach(Worker::awaitIdle);
            String pids = workers.getFirst() + "," + workers.getLast();
            GraftRun printed = GraftRun.of("plan", object.toString(), "-p", pids, "-o", "jsonl");
            GraftRun text = GraftRun.of("plan", object.toString(), "-p", pids);
            assertThat(printed.status()).as(printed.errors()).isZero();
            Map<Integer, PrintedPlan> plans = new LinkedHashMap<>();
            Map<Integer, MemorySnapshot> before = new LinkedHashMap<>();
            for (int worker : workers) {
                plans.put(worker, PrintedPlan.of(worker, printed.lines()));
                before.put(worker, MemorySnapshot.of(worker));
                assertThat(plans.get(worker).sites()).isNotEmpty();
                assertTextSaysTheSame(text.output(), plans.get(worker));
            }

            try (Session session = Sessions.open(object, workers)) {
                workers.forEach(worker -> assertPlanIsInPlace(worker, plans.get(worker), before.get(worker)));
                assertThat(CurlLoad.run(server.url(Body.HELLO), REQUESTS, CurlLoad.Connections.ONE_EACH)
                                .isClean())
                        .isTrue();
                workers.forEach(worker -> assertTextHasOnlyTheSites(worker, plans.get(worker), before.get(worker)));
                assertThat(session.detach()).allMatch(DetachProof::clean);
            }

            workers.forEach(worker -> assertAsBefore(worker, before.get(worker)));
            assertThat(server.errorsSinceStart()).isEmpty();
        }
    }

    private static void assertTextSaysTheSame(String text, PrintedPlan plan) {
        for (PrintedPlan.Site site : plan.sites()) {
            assertThat(text)
                    .containsPattern(
                            "site %s  .*\\R - %s\\R \\+ %s".formatted(site.address(), site.before(), site.after()));
        }
    }

    private static void assertPlanIsInPlace(int pid, PrintedPlan plan, MemorySnapshot before) {
        assertTextHasOnlyTheSites(pid, plan, before);
        assertMappingsAre(MemorySnapshot.of(pid).without(before), plan.memory());
        assertThat(before.without(MemorySnapshot.of(pid))).isEmpty();
        assertPoolsHoldOnlyTheCode(pid, plan);
    }

    private static void assertTextHasOnlyTheSites(int pid, PrintedPlan plan, MemorySnapshot before) {
        MemorySnapshot now = MemorySnapshot.of(pid);
        assertThat(now.bytes().keySet()).containsAll(before.bytes().keySet());
        assertThat(before.changesTo(now)).isEqualTo(plan.changes());
    }

    /** The kernel shows one range as several mappings, or neighbours as one; what counts is which addresses are covered. */
    private static void assertMappingsAre(List<MemoryMapping> added, List<PrintedPlan.Memory> planned) {
        TreeMap<RemoteAddress, RemoteAddress> now = new TreeMap<>();
        added.forEach(mapping -> now.put(mapping.start(), mapping.end()));
        TreeMap<RemoteAddress, RemoteAddress> plan = new TreeMap<>();
        planned.forEach(memory -> plan.put(memory.address(), memory.end()));
        assertThat(joined(now)).isEqualTo(joined(plan));
    }

    private static SortedMap<RemoteAddress, RemoteAddress> joined(SortedMap<RemoteAddress, RemoteAddress> ranges) {
        TreeMap<RemoteAddress, RemoteAddress> joined = new TreeMap<>();
        ranges.forEach((start, end) -> {
            boolean continues =
                    !joined.isEmpty() && joined.lastEntry().getValue().equals(start);
            joined.put(continues ? joined.lastKey() : start, end);
        });
        return joined;
    }

    private static void assertPoolsHoldOnlyTheCode(int pid, PrintedPlan plan) {
        try (ProcMem memory = ProcMem.open(pid)) {
            for (PrintedPlan.Memory pool : plan.memory().stream()
                    .filter(each -> each.purpose().equals("code"))
                    .toList()) {
                byte[] left = memory.readBytes(pool.address(), Math.toIntExact(pool.length()));
                for (PrintedPlan.Block block : plan.code()) {
                    long offset = block.address().minus(pool.address());
                    if (offset >= 0 && offset < pool.length()) {
                        byte[] bytes = memory.readBytes(block.address(), block.length());
                        assertThat(sha256(bytes)).isEqualTo(block.sha256());
                        Arrays.fill(left, (int) offset, (int) offset + block.length(), (byte) 0);
                    }
                }
                assertThat(left).containsOnly(0);
            }
        }
    }

    /** Serving requests may move the heap's end; all else is as it was, byte for byte. */
    private static void assertAsBefore(int pid, MemorySnapshot before) {
        MemorySnapshot after = MemorySnapshot.of(pid);
        assertThat(after.bytes().keySet()).isEqualTo(before.bytes().keySet());
        assertThat(before.changesTo(after)).isEmpty();
        assertThat(after.without(before)).allMatch(PlanIsInjectionTest::isHeap);
        assertThat(before.without(after)).allMatch(PlanIsInjectionTest::isHeap);
    }

    private static boolean isHeap(MemoryMapping mapping) {
        return mapping.path().filter("[heap]"::equals).isPresent();
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }
}

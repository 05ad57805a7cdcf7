package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.ebpf.object.ProgType;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every system call of a tracee is hooked: it works the same, and the counts are the kernel's. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SystemCallsTest {
    /** Not every kernel has kprobes for the others. */
    private static final Set<ProgType> TRACEPOINTS =
            EnumSet.complementOf(EnumSet.of(ProgType.KSYSCALL, ProgType.KRETSYSCALL));

    private static final long TIMES = 300;
    private static final int TURNS = Integer.getInteger("graft.turns", 6);
    private static final int OTHER = 510;
    private static final int READ = 0;
    private static final int LSEEK = 8;
    private static final int RT_SIGRETURN = 15;
    private static final int GETPPID = 110;
    private static final int RESTART_SYSCALL = 219;
    /** The agent's own, for reads of memory that it does not know, and for cancellations that come too early. */
    private static final Set<Integer> OF_THE_AGENT = Set.of(310, 222, 223, 226);

    private static final Set<String> LIVELY = Set.of(
            "calls",
            "blocked",
            "signals",
            "cancel",
            "processes",
            "go",
            "churn",
            "parked",
            "cancelled",
            "unwound",
            "storm",
            "last-calls");

    @TempDir
    private Path folder;

    static List<TraceeSource> tracees() {
        return TraceeTest.tracees();
    }

    /** Those that are in calls of many kinds all the time. */
    static List<TraceeSource> lively() {
        return tracees().stream()
                .filter(source -> LIVELY.contains(source.name()))
                .toList();
    }

    private static Session hooked(Tracee tracee) throws IOException {
        return Sessions.open(CallCounts.request(tracee), new Attacher());
    }

    /** Until it waits for its next order: nothing is counted any more. */
    private static void awaitRead(Tracee tracee) throws IOException {
        Path call = Path.of("/proc/" + tracee.pid() + "/syscall");
        while (!Files.readString(call).startsWith("0 0x0 ")) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @MethodSource("tracees")
    void hookedItWorksTheSame(TraceeSource source) throws IOException {
        try (Tracee tracee = new Tracee(source.command(folder))) {
            List<Long> expected = tracee.run(TIMES);
            try (Session session = hooked(tracee)) {
                assertThat(tracee.run(TIMES)).isEqualTo(expected);
                assertThat(tracee.run(TIMES)).isEqualTo(expected);
                assertThat(CallCounts.of(session, "enters")).isNotEmpty().doesNotContainKey(CallCounts.WRONG);
                assertThat(CallCounts.of(session, "exits")).doesNotContainKey(CallCounts.WRONG);
                Probes.assertRestored(session);
            }
            assertThat(tracee.run(TIMES)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("lively")
    void itWorksTheSameWhileHooksComeAndGo(TraceeSource source) throws IOException {
        try (Tracee tracee = new Tracee(source.command(folder))) {
            tracee.beginTurn(TIMES / 10);
            for (int turn = 0; turn < TURNS; turn++) {
                try (Session session = hooked(tracee)) {
                    Probes.assertRestored(session);
                }
            }
            tracee.endTurn();
        }
    }

    /** Children that share the tracee's memory are counted with it. */
    @ParameterizedTest
    @ValueSource(strings = {"signals", "threads", "plain-calls", "hot", "exceptions", "bash"})
    void theCountsAreTheKernels(String name) throws IOException {
        Seen seen = seen(name);
        assertThat(seen.enters()).isEqualTo(seen.kernelEnters());
        assertThat(seen.exits()).isEqualTo(seen.kernelExits());
    }

    /** Those that are cancelled leave their read by the handler of a signal. */
    @Test
    void callsThatThreadsDoNotComeBackFromAreNotSeenToEnd() throws IOException {
        Seen seen = seen("cancel");
        assertThat(seen.enters()).isEqualTo(seen.kernelEnters());
        assertThat(seen.exits().remove(READ))
                .isLessThanOrEqualTo(seen.kernelExits().remove(READ));
        assertThat(seen.exits()).isEqualTo(seen.kernelExits());
    }

    /** The attach comes while they wait. What the kernel has restarted is not seen as another call. */
    @Test
    void theNextCallsOfThreadsAtRestAreSeen() throws IOException {
        Seen seen = seen("parked");
        assertThat(seen.enters()).isEqualTo(seen.kernelEnters()).containsKeys(LSEEK, GETPPID);
        assertThat(seen.exits().get(LSEEK)).isEqualTo(seen.enters().get(LSEEK));
        Long restarts = seen.kernelExits().remove(RESTART_SYSCALL);
        seen.kernelExits()
                .forEach((number, count) -> assertThat(seen.exits())
                        .hasEntrySatisfying(number, here -> assertThat(here).isGreaterThanOrEqualTo(count)));
        assertThat(sum(seen.exits())).isEqualTo(sum(seen.kernelExits()) + (restarts == null ? 0 : restarts));
    }

    private static long sum(Map<Integer, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Calls that began and ended, by number, here and in the kernel. */
    private record Seen(
            Map<Integer, Long> enters,
            Map<Integer, Long> exits,
            Map<Integer, Long> kernelEnters,
            Map<Integer, Long> kernelExits) {}

    /** What returns from a signal's handler is never hooked; the kernel gives it no number. */
    private Seen seen(String name) throws IOException {
        try (Tracee tracee = new Tracee(TraceeSource.named(name).command(folder));
                Session session = hooked(tracee);
                KernelSession kernel = inKernel(tracee)) {
            tracee.run(TIMES);
            tracee.run(1); // answers when every thread of the run before is at rest
            awaitRead(tracee);
            Map<Integer, Long> enters = kernelCounts(kernel, "enters");
            Map<Integer, Long> exits = kernelCounts(kernel, "exits");
            enters.keySet().removeAll(OF_THE_AGENT);
            exits.keySet().removeAll(OF_THE_AGENT);
            Long signals = enters.remove(RT_SIGRETURN);
            if (signals != null) {
                exits.computeIfPresent(OTHER, (_, count) -> count.equals(signals) ? null : count - signals);
            }
            Seen seen = new Seen(CallCounts.of(session, "enters"), CallCounts.of(session, "exits"), enters, exits);
            assertThat(CallCounts.of(session, "records")).isEqualTo(seen.enters());
            assertThat(CallCounts.of(session, "results")).isEqualTo(seen.exits());
            return seen;
        }
    }

    @Test
    void programsOfOneCallSeeThatCallOnly() throws IOException {
        try (Tracee tracee = new Tracee(TraceeSource.named("plain-calls").command(folder));
                Session session = hooked(tracee)) {
            tracee.run(TIMES);
            assertThat(CallCounts.of(session, "named"))
                    .isEqualTo(Map.of(0, 5 * TIMES, 1, 5 * TIMES, 2, TIMES, 3, TIMES));
        }
    }

    private static KernelSession inKernel(Tracee tracee) throws IOException {
        KernelSession.Opening opening =
                KernelSession.open(CallCounts.only(TRACEPOINTS, CallCounts.request(tracee)), Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    private static Map<Integer, Long> kernelCounts(KernelSession session, String map) {
        return CallCounts.of(number -> {
            byte[] key = ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putInt(number)
                    .array();
            byte[] value = session.maps().get(map).lookup(key).orElseThrow();
            return ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong();
        });
    }
}

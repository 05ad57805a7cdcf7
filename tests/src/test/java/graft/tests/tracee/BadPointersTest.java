package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A program that reads bad pointers at each call, in targets that live by faults of their own: null checks of a virtual machine,
 * goroutines, a program's handler of SIGSEGV. They find nothing changed, and the program gets what it gets in the kernel.
 */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BadPointersTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/bad_pointers.bpf.o");
    private static final long TIMES = Long.getLong("graft.calls", 1000);
    private static final int POINTERS = 14;
    /** Of pointers and ways of reading. */
    private static final int OUTCOMES = 4;

    private static final int READ = 0;
    private static final int FAULT = 1;

    /** Pointers that are good: the stack, and the instruction. */
    private static final int FIRST_GOOD = 12;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"jvm", "go", "handlers", "plain"})
    void targetsAreUnharmedAndEachReadFailsAsInTheKernel(String name) throws IOException {
        TraceeSource source = TraceeSource.named(name);
        try (Tracee tracee = new Tracee(source.command(folder))) {
            List<Long> expected = tracee.run(TIMES);
            SessionRequest request = request(tracee, source.probes().getFirst());
            Map<Integer, Long> outcomes;
            try (Session session = Sessions.open(request, new Attacher())) {
                assertThat(tracee.run(TIMES)).isEqualTo(expected);
                ArrayMap map = (ArrayMap) session.collection().map("outcomes").orElseThrow();
                outcomes = outcomes(map::lookup);
                assertThat(session.missed().all()).isZero();
                Probes.assertRestored(session);
            }
            assertThat(outcomes).isEqualTo(faults(expected.getFirst()));
            assertThat(inKernel(tracee, request, expected).keySet()).isEqualTo(outcomes.keySet());
            assertThat(tracee.run(TIMES)).isEqualTo(expected);
        }
    }

    private static SessionRequest request(Tracee tracee, String place) throws IOException {
        return new SessionRequest(
                Sessions.request(OBJECT, List.of()).object(),
                List.of(new LinkRequest.Uprobe("bad_pointers", Probes.probe(place), 0)),
                List.of(tracee.pid()));
    }

    /** How often each outcome came that came at all. */
    private static Map<Integer, Long> outcomes(Function<byte[], Optional<byte[]>> lookup) {
        Map<Integer, Long> outcomes = new TreeMap<>();
        for (int i = 0; i < 2 * POINTERS * OUTCOMES; i++) {
            byte[] key = ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putInt(i)
                    .array();
            long count = ByteBuffer.wrap(lookup.apply(key).orElseThrow())
                    .order(ByteOrder.nativeOrder())
                    .getLong();
            if (count != 0) {
                outcomes.put(i, count);
            }
        }
        return outcomes;
    }

    /** Each call reads by both ways through each pointer. */
    private static Map<Integer, Long> faults(long calls) {
        Map<Integer, Long> faults = new TreeMap<>();
        IntStream.range(0, 2 * POINTERS)
                .forEach(read -> faults.put(read * OUTCOMES + (read < 2 * FIRST_GOOD ? FAULT : READ), calls));
        return faults;
    }

    /** A signal at a probe makes the kernel run the program twice, so there may be more calls. */
    private static Map<Integer, Long> inKernel(Tracee tracee, SessionRequest request, List<Long> expected) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        try (KernelSession session = ((KernelSession.Opening.Opened) opening).session()) {
            assertThat(tracee.run(TIMES)).isEqualTo(expected);
            return outcomes(session.maps().get("outcomes")::lookup);
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.UserRingBuffer;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The user ring buffer: what programs take out of it, and what they answer to nonsense, is what the kernel's do. Needs root. */
@Tag("slow")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UserRingTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/user_ring.bpf.o");
    private static final int PAGE = 4096;
    private static final int SIZE = 4096;
    private static final int FIELDS = 5;
    private static final int SAMPLES = 1;
    private static final int DISCARDED = 1 << 30;
    private static final int BUSY = 1 << 31;
    private static final int STEPS = 1500;
    private static final int DEATHS = 6;

    @TempDir
    private Path folder;

    /** One ring as memory: the producer's page and the data behind it, and the consumer's page. */
    private record Memory(SharedRegion consumer, SharedRegion producer) implements AutoCloseable {
        static Memory of(NativeFd ring, long start, SharedRegion.Access consumer) {
            return new Memory(
                    SharedRegion.map(ring, start, PAGE, consumer),
                    SharedRegion.map(ring, start + PAGE, PAGE + SIZE, SharedRegion.Access.READ_WRITE));
        }

        long consumed() {
            return consumer.segment().get(ValueLayout.JAVA_LONG, 0);
        }

        void produced(long position) {
            producer.segment().set(ValueLayout.JAVA_LONG, 0, position);
        }

        void put(long position, int word) {
            producer.segment().set(ValueLayout.JAVA_INT, PAGE + (position & SIZE - 1), word);
        }

        byte[] data() {
            return producer.segment().asSlice(PAGE).toArray(ValueLayout.JAVA_BYTE);
        }

        @Override
        public void close() {
            consumer.close();
            producer.close();
        }
    }

    private SessionRequest request(ToldProgram... programs) throws IOException {
        List<Integer> pids = Arrays.stream(programs)
                .map(program -> Integer.parseInt(program.pid()))
                .toList();
        SessionRequest request = Sessions.request(OBJECT, pids);
        Probe probe = new Probe(Probe.Kind.ENTRY, programs[0].file().toString(), "work", 0);
        return request.with(List.of(new LinkRequest.Uprobe("on_call", probe, 0)));
    }

    private static KernelSession inKernel(SessionRequest request) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    private static List<Long> results(Function<byte[], Optional<byte[]>> lookup) {
        List<Long> results = new ArrayList<>();
        for (int field = 0; field < FIELDS; field++) {
            byte[] key = ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(field)
                    .array();
            results.add(ByteBuffer.wrap(lookup.apply(key).orElseThrow())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong());
        }
        return results;
    }

    private static List<Long> results(Session session) {
        return results(((KeyedMap) session.collection().map("RESULTS").orElseThrow())::lookup);
    }

    private static UserRingBuffer ring(Session session) {
        return (UserRingBuffer) session.collection().map("samples").orElseThrow();
    }

    /** Two rings with the same bytes, one of which is the kernel's, and the same call in two processes that drains them. */
    @Test
    void drainsAnswerAsTheKernels() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram program = ToldProgram.start(file);
                ToldProgram other = ToldProgram.start(file);
                Session session = Sessions.open(request(program), new Attacher());
                KernelSession kernel = inKernel(request(other));
                Memory ours = Memory.of(ring(session).fd(), PAGE, SharedRegion.Access.READ_ONLY);
                Memory kernels = Memory.of(kernel.maps().get("samples").fd(), 0, SharedRegion.Access.READ_ONLY)) {
            Random random = new Random(1);
            for (int step = 0; step < STEPS; step++) {
                String what = fill(random, List.of(ours, kernels));
                int how = how(random);
                program.does("with " + how);
                other.does("with " + how);
                assertThat(ours.consumed()).as("step %d, %s", step, what).isEqualTo(kernels.consumed());
                assertThat(results(session))
                        .as("step %d, %s", step, what)
                        .isEqualTo(results(kernel.maps().get("RESULTS")::lookup));
                assertThat(ours.data()).isEqualTo(kernels.data());
            }
            assertThat(results(session).get(SAMPLES)).isGreaterThan(STEPS);
        }
    }

    /** Flags, after how many samples the callback ends it, and whether it drains itself. */
    private static int how(Random random) {
        int flags = random.nextInt(8) == 0 ? random.nextInt(256) : random.nextInt(4);
        return flags | random.nextInt(4) * random.nextInt(5) << 8 | random.nextInt(2) << 24;
    }

    /** Some samples behind what is consumed; sometimes one that cannot be, or a position that is none. */
    private static String fill(Random random, List<Memory> rings) {
        long start = rings.getFirst().consumed();
        long at = start;
        StringBuilder what = new StringBuilder("at " + start);
        for (int samples = random.nextInt(6); samples > 0; samples--) {
            int length = random.nextInt(10) == 0 ? random.nextInt(700) : random.nextInt(80);
            int marks = switch (random.nextInt(12)) {
                case 0 -> BUSY;
                case 1, 2 -> DISCARDED;
                case 3 -> random.nextInt(4) == 0 ? BUSY | DISCARDED : 0;
                default -> 0;
            };
            int header = random.nextInt(25) == 0 ? random.nextInt() : length | marks;
            long room = length + 15L & -8;
            for (Memory ring : rings) {
                Random content = new Random(at);
                ring.put(at, header);
                for (long word = at + 4; word < at + room; word += 4) {
                    ring.put(word, content.nextInt());
                }
            }
            what.append(", 0x").append(Integer.toHexString(header));
            at += room;
        }
        long end = switch (random.nextInt(20)) {
            case 0 -> at + 1 + random.nextInt(16);
            case 1 -> at - 8;
            case 2 -> at + SIZE * 2L;
            default -> at;
        };
        rings.forEach(ring -> ring.produced(end));
        return what.append(", end ").append(end).toString();
    }

    @Test
    void samplesOfTheProducerAreTakenOnce() throws IOException {
        int samples = 20_000;
        try (ToldProgram program = ToldProgram.start(ToldProgram.compile(folder));
                Session session = Sessions.open(request(program), new Attacher())) {
            UserRingBuffer ring = ring(session);
            program.begins("zero 1000000000");
            int discarded = 0;
            for (int i = 0; i < samples; i++) {
                UserRingBuffer.Sample sample =
                        ring.reserve(16 + i % 100, Duration.ofSeconds(30)).orElseThrow();
                sample.put(0, new byte[] {(byte) i});
                if (i % 10 == 3) {
                    sample.discard();
                    discarded++;
                } else {
                    sample.submit();
                }
            }
            awaitEmpty(ring);
            assertThat(results(session).get(SAMPLES)).isEqualTo(samples - discarded);
        }
    }

    private static void awaitEmpty(UserRingBuffer ring) {
        while (ring.pending() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void afterADeathOthersDrainOn() throws IOException {
        Path file = ToldProgram.compile(folder);
        Random random = new Random();
        for (int death = 0; death < DEATHS; death++) {
            try (ToldProgram dies = ToldProgram.start(file);
                    ToldProgram goesOn = ToldProgram.start(file);
                    Session session = Sessions.open(request(dies, goesOn), new Attacher())) {
                UserRingBuffer ring = ring(session);
                dies.begins("zero 1000000000");
                long samples = 0;
                for (long end = System.nanoTime() + 1_000_000 + random.nextInt(30_000_000); System.nanoTime() < end; ) {
                    if (put(ring)) {
                        samples++;
                    }
                }
                dies.kill();
                assertThat(session.endedTargets()).hasSize(1);
                while (put(ring)) {
                    samples++;
                }
                goesOn.does("zero 3");
                assertThat(ring.pending()).isZero();
                assertThat(results(session).get(SAMPLES)).isBetween(samples, samples + 1);
            }
        }
    }

    private static boolean put(UserRingBuffer ring) {
        Optional<UserRingBuffer.Sample> sample = ring.reserve(24);
        sample.ifPresent(UserRingBuffer.Sample::submit);
        return sample.isPresent();
    }
}

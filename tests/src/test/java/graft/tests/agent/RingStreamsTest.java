package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingEventFd;
import graft.ebpf.maps.RingPublisher;
import graft.ebpf.maps.RingRecords;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Poll;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Readers of a ring as an iterator, as a publisher and by an eventfd, with the agent's own producers in other processes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RingStreamsTest {
    private static final int SIZE = 4096;
    private static final int RECORD = 100;
    /** Records of that size that go into it. */
    private static final int FITS = SIZE / 112;

    private static final int NO_WAKEUP = 1;
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(1);

    private Path program;
    private RingBuffer ring;
    private AgentHost producer;

    @BeforeAll
    void compile(@TempDir Path folder) throws IOException, InterruptedException {
        program = AgentHost.compile(folder);
    }

    @BeforeEach
    void connect() throws IOException {
        ring = switch (MapCreation.create(MapSpec.of("events", MapType.RINGBUF, 0, 0, SIZE))) {
            case MapCreation.Created(var map) -> (RingBuffer) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
        producer = AgentHost.start(program);
        assertThat(producer.ask("ring " + AgentHost.pathOf(ring) + " " + SIZE)).isEqualTo("ok");
    }

    @AfterEach
    void disconnect() {
        producer.close();
        ring.close();
    }

    /** Says how many were refused. */
    private long output(long records) {
        return producer.number("output " + records + " " + RECORD + " 0");
    }

    private static long number(byte[] record) {
        assertThat(record).hasSize(RECORD);
        return ByteBuffer.wrap(record).order(ByteOrder.nativeOrder()).getLong(0);
    }

    @Test
    void anIteratorGivesCopiesOfAllRecords() {
        RingRecords records = ring.records(SHORT);
        assertThat(records.hasNext()).isFalse();
        assertThatThrownBy(records::next).isInstanceOf(NoSuchElementException.class);
        List<byte[]> taken = new ArrayList<>();
        for (int round = 0; round < 10; round++) {
            assertThat(output(30)).isZero();
            records.forEachRemaining(taken::add);
        }
        assertThat(taken.stream().map(RingStreamsTest::number))
                .containsExactlyElementsOf(LongStream.range(0, 300).boxed().toList());
    }

    @Test
    void anIteratorWaitsForARecordAndSkipsWhatIsDiscarded() {
        RingRecords records = ring.records(LONG);
        CompletableFuture<byte[]> next = CompletableFuture.supplyAsync(records::next);
        assertThat(producer.ask("await-sleeper")).isEqualTo("ok");
        assertThat(producer.ask("reserve " + RECORD)).isEqualTo("ok");
        assertThat(producer.ask("discard 0")).isEqualTo("ok");
        assertThat(output(1)).isZero();
        assertThat(number(next.join())).isZero();
    }

    /** What a subscriber got. */
    private static final class Subscriber implements Flow.Subscriber<byte[]> {
        private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
        private final BlockingQueue<Long> numbers = new LinkedBlockingQueue<>();
        private final CompletableFuture<String> end = new CompletableFuture<>();

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription.complete(given);
        }

        @Override
        public void onNext(byte[] record) {
            numbers.add(number(record));
        }

        @Override
        public void onError(Throwable failure) {
            end.complete(failure.toString());
        }

        @Override
        public void onComplete() {
            end.complete("complete");
        }

        private List<Long> take(int records) {
            try {
                List<Long> taken = new ArrayList<>();
                while (taken.size() < records) {
                    Long number = numbers.poll(60, TimeUnit.SECONDS);
                    assertThat(number).as("after %s", taken).isNotNull();
                    taken.add(number);
                }
                return taken;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Test
    void aPublisherTakesWhatIsAskedForAndTheRingCountsTheRest() {
        Subscriber subscriber = new Subscriber();
        try (RingPublisher publisher = ring.publisher()) {
            publisher.subscribe(subscriber);
            Flow.Subscription subscription = subscriber.subscription.join();
            assertThat(output(20)).isZero();
            subscription.request(5);
            assertThat(subscriber.take(5)).containsExactly(0L, 1L, 2L, 3L, 4L);

            int left = FITS - 15;
            assertThat(output(100)).isEqualTo(100 - left);
            assertThat(ring.losses().full()).isEqualTo(100 - left);
            assertThat(subscriber.numbers).isEmpty();

            subscription.request(7);
            subscription.request(Long.MAX_VALUE);
            assertThat(subscriber.take(15 + left))
                    .containsExactlyElementsOf(
                            LongStream.range(5, 20L + left).boxed().toList());
            assertThat(output(3)).isZero();
            assertThat(subscriber.take(3)).containsExactly(120L, 121L, 122L);
        }
        assertThat(subscriber.end.join()).isEqualTo("complete");
        assertThat(ring.reader().delivered() + ring.losses().total()).isEqualTo(123);
    }

    @Test
    void aSubscriberThatCancelsLeavesTheRestToTheNext() {
        try (RingPublisher publisher = ring.publisher()) {
            Subscriber first = new Subscriber();
            publisher.subscribe(first);
            Flow.Subscription subscription = first.subscription.join();
            assertThat(output(10)).isZero();
            subscription.request(4);
            assertThat(first.take(4)).containsExactly(0L, 1L, 2L, 3L);

            Subscriber second = new Subscriber();
            publisher.subscribe(second);
            assertThat(second.end.join()).contains("the ring has a subscriber");

            subscription.cancel();
            Subscriber third = new Subscriber();
            while (!third.subscription.isDone() || third.end.isDone()) {
                third = new Subscriber(); // the first one's thread may not have ended
                publisher.subscribe(third);
                third.subscription.join();
            }
            third.subscription.join().request(6);
            assertThat(third.take(6)).containsExactly(4L, 5L, 6L, 7L, 8L, 9L);
            assertThat(first.numbers).isEmpty();
            third.subscription.join().request(0);
            assertThat(third.end.join()).contains("IllegalArgumentException");
        }
    }

    @Test
    void anEventfdBecomesReadableWithEachRecordThatComesAfterItWasRead() {
        try (RingEventFd event = ring.openEventFd()) {
            for (int i = 0; i < 200; i++) {
                assertThat(output(1)).isZero();
                assertThat(Poll.readable(event.fd(), LONG)).isEqualTo(Poll.Wait.READY);
                assertThat(event.take()).isPositive();
                assertThat(ring.drain(_ -> {}, 10)).isEqualTo(1);
            }
            assertThatThrownBy(() -> ring.await(SHORT)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(ring::openEventFd).isInstanceOf(IllegalStateException.class);
        }
        assertThat(ring.await(SHORT)).isFalse();
    }

    @Test
    void anEventfdTellsOfWhatWasThereBefore() {
        assertThat(output(3)).isZero();
        try (RingEventFd event = ring.openEventFd()) {
            assertThat(Poll.readable(event.fd(), LONG)).isEqualTo(Poll.Wait.READY);
        }
    }

    /** The first one of two is late. */
    @Test
    void anEventfdTellsOfRecordsThatWaitedForAnother() throws IOException {
        try (RingEventFd event = ring.openEventFd();
                AgentHost other = AgentHost.start(program)) {
            assertThat(other.ask("ring " + AgentHost.pathOf(ring) + " " + SIZE)).isEqualTo("ok");
            assertThat(producer.ask("reserve " + RECORD)).isEqualTo("ok");
            assertThat(other.number("output 1 " + RECORD + " " + NO_WAKEUP)).isZero();
            assertThat(ring.drain(_ -> {}, 10)).isZero();
            assertThat(producer.ask("submit 0")).isEqualTo("ok");
            assertThat(Poll.readable(event.fd(), LONG)).isEqualTo(Poll.Wait.READY);
            assertThat(ring.drain(_ -> {}, 10)).isEqualTo(2);
        }
    }

    /** Each record is told of: a reader that sleeps until it is told gets all, or the ring has counted them. */
    @Test
    void aReaderThatWaitsForTheEventfdOnlyGetsEverything() throws IOException {
        int each = 100_000;
        try (RingEventFd event = ring.openEventFd();
                AgentHost other = AgentHost.start(program);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            assertThat(other.ask("ring " + AgentHost.pathOf(ring) + " " + SIZE)).isEqualTo("ok");
            List<CompletableFuture<Long>> lost = Stream.of(producer, other)
                    .map(host -> CompletableFuture.supplyAsync(
                            () -> host.number("output " + each + " " + RECORD + " 0"), threads))
                    .toList();
            long delivered = 0;
            while (delivered + ring.losses().total() < 2L * each) {
                assertThat(Poll.readable(event.fd(), LONG)).isEqualTo(Poll.Wait.READY);
                event.take();
                for (int more = 1; more > 0; delivered += more) {
                    more = ring.drain(_ -> {}, Integer.MAX_VALUE);
                }
            }
            assertThat(lost.stream().mapToLong(CompletableFuture::join).sum())
                    .isEqualTo(ring.losses().total());
            assertThat(delivered + ring.losses().total()).isEqualTo(2L * each);
        }
    }

    /** By the kernel's count of how often it gave its processor away. */
    @Test
    void theThreadBehindAnEventfdSleepsWhileNothingComes() throws InterruptedException {
        try (RingEventFd event = ring.openEventFd()) {
            assertThat(output(1)).isZero();
            assertThat(Poll.readable(event.fd(), LONG)).isEqualTo(Poll.Wait.READY);
            assertThat(producer.ask("await-sleeper")).isEqualTo("ok");
            long before = switches();
            for (int still = 0; still < 5; still++) { // until it sleeps without a limit
                Thread.sleep(20);
                long now = switches();
                still = now == before ? still : 0;
                before = now;
            }
            Thread.sleep(500);
            assertThat(switches()).isEqualTo(before);
        }
    }

    private static long switches() {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            Path task = tasks.filter(one -> text(one.resolve("comm")).startsWith("eventfd of"))
                    .findFirst()
                    .orElseThrow();
            return text(task.resolve("status"))
                    .lines()
                    .filter(line -> line.contains("ctxt_switches"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return ""; // a thread that has ended
        }
    }
}

package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** One ring between the agent in another process and the reader here. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RingReaderTest {
    private static final int SIZE = 4096;
    private static final int RECORD = 100;
    /** Header, data, padding. */
    private static final int ROOM = 112;

    private static final int NO_WAKEUP = 1;
    private static final int FORCE_WAKEUP = 2;
    private static final Duration LONG = Duration.ofSeconds(60);

    private final List<AgentHost> hosts = new ArrayList<>();
    private final List<Long> numbers = new ArrayList<>();
    private Path program;
    private RingBuffer ring;
    private AgentHost producer;

    @BeforeAll
    void compile(@TempDir Path folder) throws IOException, InterruptedException {
        program = AgentHost.compile(folder);
    }

    @BeforeEach
    void connect() throws IOException {
        numbers.clear();
        ring = switch (MapCreation.create(MapSpec.of("events", MapType.RINGBUF, 0, 0, SIZE))) {
            case MapCreation.Created(var map) -> (RingBuffer) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
        producer = newProducer();
    }

    private AgentHost newProducer() throws IOException {
        AgentHost host = AgentHost.start(program);
        hosts.add(host);
        String file =
                "/proc/" + ProcessHandle.current().pid() + "/fd/" + ring.fd().number();
        assertThat(host.ask("ring " + file + " " + SIZE)).isEqualTo("ok");
        return host;
    }

    @AfterEach
    void disconnect() {
        hosts.forEach(AgentHost::close);
        hosts.clear();
        ring.close();
    }

    private int drain() {
        return ring.drain(this::take, Integer.MAX_VALUE);
    }

    /** Checks a record's bytes and keeps its number. */
    private void take(MemorySegment record) {
        long number = record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        for (long at = Long.BYTES; at < record.byteSize(); at++) {
            assertThat(record.get(ValueLayout.JAVA_BYTE, at)).isEqualTo((byte) number);
        }
        numbers.add(number);
    }

    private CompletableFuture<Boolean> sleepingReader() {
        return CompletableFuture.supplyAsync(() -> ring.await(LONG));
    }

    @Test
    void handsOverEveryRecordWhereTheRingWrapsAround() {
        int rounds = 50;
        int each = 30;
        for (int i = 0; i < rounds; i++) {
            assertThat(producer.number("output " + each + " " + RECORD + " 0")).isZero();
            assertThat(drain()).isEqualTo(each);
        }
        assertThat((long) rounds * each * ROOM).isGreaterThan(10L * SIZE);
        assertThat(numbers)
                .containsExactlyElementsOf(
                        LongStream.range(0, (long) rounds * each).boxed().toList());
    }

    @Test
    void aRingThatIsEmptyWhenItsReaderPausesIsFilledFromItsBeginningAgain() throws IOException {
        int each = 10;
        for (int i = 0; i < 3; i++) {
            assertThat(producer.number("output " + each + " " + RECORD + " 0")).isZero();
            assertThat(drain()).isEqualTo(each);
            assertThat(ring.await(Duration.ofMillis(5))).isFalse();
            assertThat(position()).isEqualTo((i + 1L) * SIZE);
        }
        assertThat(producer.number("output 100 " + RECORD + " 0")).isEqualTo(100 - SIZE / ROOM);
        assertThat(drain()).isEqualTo(SIZE / ROOM);
        assertThat(numbers)
                .containsExactlyElementsOf(
                        LongStream.range(0, 3L * each + SIZE / ROOM).boxed().toList());
    }

    @Test
    void aPauseLeavesARingWithRecordsAsItIs() throws IOException {
        assertThat(producer.number("output 20 " + RECORD + " 0")).isZero();
        assertThat(ring.drain(this::take, 15)).isEqualTo(15);
        assertThat(ring.await(LONG)).isTrue();
        assertThat(position()).isEqualTo(15L * ROOM);
        assertThat(drain()).isEqualTo(5);
    }

    @Test
    void producersThatGoOnWhileAnEmptyRingIsFilledFromItsBeginningLoseNothingUncounted() throws IOException {
        int each = 200_000;
        List<AgentHost> producers = List.of(producer, newProducer());
        List<CompletableFuture<Long>> lost = producers.stream()
                .map(host -> CompletableFuture.supplyAsync(() -> host.number("output " + each + " " + RECORD + " 0")))
                .toList();
        while (!lost.stream().allMatch(CompletableFuture::isDone)) {
            drain();
            ring.await(Duration.ofMillis(1));
        }
        drain();
        long counted = lost.stream().mapToLong(CompletableFuture::join).sum();
        assertThat(numbers).hasSize((int) (2L * each - counted));
        assertThat(ring.losses().full() + ring.losses().busy()).isEqualTo(counted);
    }

    /** The reader's position, as every process sees it. */
    private long position() throws IOException {
        try (FileChannel file =
                FileChannel.open(Path.of("/proc/self/fd/" + ring.fd().number()))) {
            ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
            file.read(word, MapConstants.RING_CONSUMER_OFFSET);
            return word.getLong(0);
        }
    }

    @Test
    void theFirstRecordWakesASleepingReader() {
        CompletableFuture<Boolean> woken = sleepingReader();
        assertThat(producer.ask("await-sleeper")).isEqualTo("ok");
        assertThat(producer.number("output 1 " + RECORD + " 0")).isZero();
        assertThat(woken.join()).isTrue();
        assertThat(drain()).isEqualTo(1);
    }

    @Test
    void aReaderThatRunsIsNeverRungFor() {
        assertThat(producer.number("output 30 " + RECORD + " 0")).isZero();
        assertThat(producer.number("doorbell")).isZero();
    }

    @Test
    void aReaderThatWaitsForAPartOfTheRingIsRungForOnce() {
        producer.ask("sleep-at " + 4 * ROOM);
        producer.ask("output 4 " + RECORD + " 0");
        assertThat(producer.number("doorbell")).isZero();
        producer.ask("output 10 " + RECORD + " 0");
        assertThat(producer.number("doorbell")).isEqualTo(1);
    }

    @Test
    void flagsOfARecordSuppressAndForceTheRinging() {
        producer.ask("sleep-at " + ROOM);
        producer.ask("output 5 " + RECORD + " " + NO_WAKEUP);
        assertThat(producer.number("doorbell")).isZero();
        producer.ask("sleep-at " + 20 * ROOM);
        producer.ask("output 1 " + RECORD + " " + FORCE_WAKEUP);
        assertThat(producer.number("doorbell")).isEqualTo(1);
    }

    @Test
    void aReaderWaitsForARecordThatIsReservedOnly() {
        producer.ask("reserve " + RECORD);
        CompletableFuture<Boolean> woken = sleepingReader();
        assertThat(producer.ask("await-sleeper")).isEqualTo("ok");
        assertThat(producer.ask("discard 0")).isEqualTo("ok");
        assertThat(woken.join()).isTrue();
        assertThat(drain()).isZero();
    }

    @Test
    void aCallerMayWakeItsReaderToLookAround() {
        CompletableFuture<Boolean> woken = CompletableFuture.supplyAsync(() -> ring.await(Duration.ofSeconds(1)));
        assertThat(producer.ask("await-sleeper")).isEqualTo("ok");
        ring.reader().wake();
        assertThat(woken.join()).isFalse();
    }

    @Test
    void recordsWithoutRoomAreCountedAndTheRestIsWhole() {
        int fitting = SIZE / ROOM;
        assertThat(producer.number("output 100 " + RECORD + " 0")).isEqualTo(100 - fitting);
        assertThat(ring.losses().full()).isEqualTo(100 - fitting);
        assertThat(drain()).isEqualTo(fitting);
        assertThat(producer.number("output 1 " + RECORD + " 0")).isZero();
        assertThat(drain()).isEqualTo(1);
        assertThat(numbers.getLast()).isEqualTo(100);
    }

    @Test
    void aProcessThatDiesBetweenReserveAndSubmitDoesNotStopTheRing() throws IOException {
        AgentHost dying = newProducer();
        assertThat(producer.number("output 1 " + RECORD + " 0")).isZero();
        assertThat(dying.ask("reserve " + RECORD)).isEqualTo("ok");
        assertThat(producer.number("output 2 " + RECORD + " 0")).isZero();
        dying.kill();
        assertThat(drain()).isEqualTo(1);

        assertThat(ring.reader().ownerDied(dying.pid())).isEqualTo(1);
        assertThat(drain()).isEqualTo(2);
        assertThat(ring.losses().dead()).isEqualTo(1);
        assertThat(numbers).containsExactly(0L, 1L, 2L);
    }

    @Test
    void aProcessThatDiesWithTheLockCostsRecordsUntilItIsFreed() throws IOException {
        AgentHost dying = newProducer();
        assertThat(dying.ask("hold")).isEqualTo("ok");
        dying.kill();
        assertThat(producer.number("output 1 " + RECORD + " 0")).isEqualTo(1);
        assertThat(ring.losses().busy()).isEqualTo(1);

        assertThat(ring.releaseLocksOf(dying.pid())).isEqualTo(1);
        assertThat(producer.number("output 1 " + RECORD + " 0")).isZero();
        assertThat(drain()).isEqualTo(1);
    }
}

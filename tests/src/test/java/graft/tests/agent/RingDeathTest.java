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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Producers of a ring that are killed at any moment, beside two that go on and a reader that reads. {@code -Dgraft.deaths=N}:
 * how many.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RingDeathTest {
    private static final int DEATHS = Integer.getInteger("graft.deaths", 40);
    /** So many in one ring. */
    private static final int ROUND = 40;

    private static final int SURVIVORS = 2;
    private static final int LONGEST_LIFE_MICROS = 1500;
    private static final int SIZE = 1 << 20;
    /** Words of a record, which are all the same. */
    private static final int WORDS = 12;

    private static final int ROOM = WORDS * Long.BYTES + 8;

    private final Random random = new Random(6);

    @TempDir
    private Path folder;

    private Path program;
    private long[] delivered;
    private long[] next;
    private long dead;
    private int locks;

    @BeforeAll
    void compile(@TempDir Path programs) throws IOException, InterruptedException {
        program = AgentHost.compile(programs);
    }

    @BeforeEach
    void startAgain() {
        locks = 0;
    }

    @Test
    void whatWasSeenIsDeliveredOrCountedAsLost() throws IOException {
        long seen = 0;
        long lost = 0;
        for (int deaths = 0; deaths < DEATHS; deaths += ROUND) {
            int victims = Math.min(ROUND, DEATHS - deaths);
            try (Notes notes = new Notes(folder, SURVIVORS + victims);
                    RingBuffer ring = created()) {
                round(ring, notes, victims);
                lost += requireExactCounts(ring, notes, SURVIVORS + victims);
                seen += Arrays.stream(delivered).sum();
            }
        }
        System.out.println("ring: " + DEATHS + " killed, " + locks + " of them with the lock; " + seen + " delivered, "
                + lost + " lost");
    }

    private static RingBuffer created() {
        return switch (MapCreation.create(MapSpec.of("events", MapType.RINGBUF, 0, 0, SIZE))) {
            case MapCreation.Created(var map) -> (RingBuffer) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private AgentHost producer(RingBuffer ring, Notes notes) throws IOException {
        AgentHost host = AgentHost.start(program);
        assertThat(host.ask("ring " + AgentHost.pathOf(ring) + " " + SIZE)).isEqualTo("ok");
        assertThat(host.ask("notes " + notes.file())).isEqualTo("ok");
        return host;
    }

    private void round(RingBuffer ring, Notes notes, int victims) throws IOException {
        List<AgentHost> survivors = new ArrayList<>();
        delivered = new long[SURVIVORS + victims + 1];
        next = new long[SURVIVORS + victims + 1];
        dead = 0;
        try (AgentHost killer = producer(ring, notes);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<CompletableFuture<String>> ends = new ArrayList<>();
            for (int worker = 1; worker <= SURVIVORS; worker++) {
                AgentHost survivor = producer(ring, notes);
                String command = "work ring " + worker;
                survivors.add(survivor);
                ends.add(CompletableFuture.supplyAsync(() -> survivor.ask(command), threads));
            }
            for (int worker = SURVIVORS + 1; worker <= SURVIVORS + victims; worker++) {
                String slay = "slay " + random.nextInt(LONGEST_LIFE_MICROS) + " work ring " + worker;
                CompletableFuture<Long> death = CompletableFuture.supplyAsync(() -> killer.number(slay), threads);
                while (!death.isDone()) {
                    ring.drain(this::take, Integer.MAX_VALUE);
                }
                locks += ring.releaseLocksOf(death.join().intValue());
                dead += ring.reader().ownerDied(death.join().intValue());
            }
            notes.stop();
            ends.forEach(end -> assertThat(end.join()).isEqualTo("ok"));
        } finally {
            survivors.forEach(AgentHost::close);
        }
        while (ring.drain(this::take, Integer.MAX_VALUE) > 0) {}
    }

    /** Each producer's records come in its order, and whole. */
    private void take(MemorySegment record) {
        long word = record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        int worker = Deliveries.worker(word);
        for (int i = 1; i < WORDS; i++) {
            if (record.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) i * Long.BYTES) != word) {
                throw new AssertionError("torn: " + word + " of worker " + worker);
            }
        }
        if (Deliveries.number(word) < next[worker]) {
            throw new AssertionError(Deliveries.number(word) + " of worker " + worker + " came late");
        }
        next[worker] = Deliveries.number(word) + 1;
        delivered[worker]++;
    }

    /** A producer that was killed may have left one record of which it is not known from its notes what became of it. */
    private long requireExactCounts(RingBuffer ring, Notes notes, int workers) throws IOException {
        long refused = 0;
        long open = 0;
        for (int worker = 1; worker <= workers; worker++) {
            long openHere = notes.open(worker);
            assertThat(openHere).isBetween(0L, worker <= SURVIVORS ? 0L : 1L);
            assertThat(delivered[worker] - notes.done(worker)).isBetween(0L, openHere);
            refused += notes.refused(worker);
            open += openHere - (delivered[worker] - notes.done(worker));
        }
        long all = Arrays.stream(delivered).sum();
        long losses = ring.losses().total();
        assertThat(ring.losses().dead()).isEqualTo(dead);
        assertThat(reserved(ring)).as("seen = delivered + lost").isEqualTo(all + dead);
        assertThat(losses - dead - refused)
                .as("lost by no producer that goes on")
                .isBetween(0L, open - dead);
        return losses;
    }

    /** How many records were reserved, by the producers' position. */
    private static long reserved(RingBuffer ring) throws IOException {
        try (FileChannel file = FileChannel.open(Path.of(AgentHost.pathOf(ring)))) {
            ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
            file.read(word, MapConstants.RING_PRODUCER_OFFSET);
            assertThat(word.getLong(0) % ROOM).isZero();
            return word.getLong(0) / ROOM;
        }
    }
}

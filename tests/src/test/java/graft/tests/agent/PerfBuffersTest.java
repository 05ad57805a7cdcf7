package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Perf buffers with the agent's own producers, four at a time and more that are killed at any moment, and readers that know the
 * kernel's layout only. {@code -Dgraft.deaths=N}: how many.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PerfBuffersTest {
    private static final int DEATHS = Integer.getInteger("graft.deaths", 40);
    /** So many in one array. */
    private static final int ROUND = 20;

    private static final int SURVIVORS = 4;
    private static final int LONGEST_LIFE_MICROS = 1500;
    /** Of {@code agent-perf.c}. */
    private static final int WORDS_MAX = 40;

    private static final long CURRENT_CPU = 0xffffffffL;

    private final Random random = new Random(7);

    @TempDir
    private Path folder;

    private Path program;
    private long[] delivered;
    private long[][] next;
    private long dead;
    private int locks;

    /** Either reader. */
    private interface Reading {
        int drain();

        long lost();
    }

    @BeforeAll
    void compile(@TempDir Path programs) throws IOException, InterruptedException {
        program = AgentHost.compile(programs);
    }

    @Test
    void readersOfTheKernelsLayoutGetEveryRecordOnceOrItsLoss() throws IOException {
        for (int deaths = 0; deaths < DEATHS; deaths += ROUND) {
            try (PerfBuffers buffers = created(0)) {
                KernelPerfReader reader = new KernelPerfReader(buffers);
                round(buffers, Math.min(ROUND, DEATHS - deaths), new Reading() {
                    @Override
                    public int drain() {
                        return reader.drain((cpu, data) -> take(cpu, data));
                    }

                    @Override
                    public long lost() {
                        return reader.lost();
                    }
                });
            }
        }
    }

    @Test
    void ownReaderGetsEveryRecordOnceOrItsLoss() throws IOException {
        for (int deaths = 0; deaths < DEATHS; deaths += ROUND) {
            try (PerfBuffers buffers = created(0)) {
                round(buffers, Math.min(ROUND, DEATHS - deaths), new Reading() {
                    @Override
                    public int drain() {
                        return buffers.reader()
                                .drain(
                                        (cpu, data) -> take(
                                                cpu,
                                                ByteBuffer.wrap(data.toArray(ValueLayout.JAVA_BYTE))
                                                        .order(java.nio.ByteOrder.nativeOrder())),
                                        Integer.MAX_VALUE);
                    }

                    @Override
                    public long lost() {
                        return buffers.reader().reportedLosses();
                    }
                });
            }
        }
    }

    @Test
    void sizesAreTheKernelsAndLargeRecordsGoAroundTheEnd() throws IOException {
        try (PerfBuffers buffers = created(0);
                AgentHost host = producer(buffers)) {
            for (int size :
                    new int[] {0, 1, 4, 5, 8, 12, 13, 100, 4000, 30_000, 65_471, 65_471, 65_471, 65_471, 65_471}) {
                assertThat(host.number("output-once " + CURRENT_CPU + " " + size))
                        .isZero();
                List<byte[]> records = new ArrayList<>();
                assertThat(buffers.reader().drain((_, data) -> records.add(data.toArray(ValueLayout.JAVA_BYTE)), 2))
                        .isEqualTo(1);
                byte[] expected = new byte[(4 + size + 7 & -8) - 4]; // as perf_sample_save_raw_data() rounds
                Arrays.fill(expected, 0, size, (byte) size);
                assertThat(records.getFirst()).as("%d bytes", size).isEqualTo(expected);
            }
            assertThat(buffers.losses().total()).isZero();
        }
    }

    @Test
    void wrongOutputsHaveTheKernelsErrors() throws IOException {
        try (PerfBuffers all = created(0);
                AgentHost host = producer(all)) {
            assertThat(host.number("output-once " + (1L << 32) + " 8")).isEqualTo(-Errno.EINVAL);
            assertThat(host.number("output-once " + all.cpus() + " 8")).isEqualTo(-Errno.E2BIG);
            assertThat(host.number("output-once " + CURRENT_CPU + " 65472")).isEqualTo(-Errno.E2BIG);
        }
        try (PerfBuffers more = created(1000);
                AgentHost host = producer(more)) {
            assertThat(host.number("output-once " + more.cpus() + " 8")).isEqualTo(-Errno.ENOENT);
            assertThat(host.number("output-once 1000 8")).isEqualTo(-Errno.E2BIG);
        }
    }

    @Test
    void aFullBufferRefusesAndTellsHowManyWereLost() throws IOException {
        try (PerfBuffers buffers = created(0);
                AgentHost host = producer(buffers)) {
            assertThat(host.number("output-everywhere")).isZero();
            long put = 0;
            while (host.number("output-once " + CURRENT_CPU + " 60000") == 0) {
                put++;
            }
            assertThat(put).isBetween(4L, 4L * buffers.cpus());
            assertThat(buffers.losses().full()).isEqualTo(1);
            assertThat(host.number("output-once " + CURRENT_CPU + " 65000")).isIn(0L, (long) -Errno.ENOSPC);
            long full = buffers.losses().full();
            drainAll(buffers);
            assertThat(buffers.reader().reportedLosses()).isZero();
            assertThat(host.number("output-everywhere")).isZero();
            drainAll(buffers);
            assertThat(buffers.reader().reportedLosses()).isEqualTo(full);
        }
    }

    @Test
    void wakesAReaderThatSleeps() throws IOException {
        try (PerfBuffers buffers = created(0);
                AgentHost host = producer(buffers);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int i = 0; i < 50; i++) {
                assertThat(buffers.reader().await(Duration.ofMillis(1))).isFalse();
                CompletableFuture<Boolean> ready =
                        CompletableFuture.supplyAsync(() -> buffers.reader().await(Duration.ofSeconds(60)), threads);
                assertThat(host.number("output-once " + CURRENT_CPU + " 8")).isZero();
                assertThat(ready.join()).isTrue();
                assertThat(buffers.reader().drain((_, _) -> {}, 2)).isEqualTo(1);
            }
        }
    }

    private static void drainAll(PerfBuffers buffers) {
        while (buffers.reader().drain((_, _) -> {}, Integer.MAX_VALUE) > 0) {}
    }

    private static PerfBuffers created(int entries) {
        return switch (MapCreation.create(MapSpec.of("events", MapType.PERF_EVENT_ARRAY, 4, 4, entries))) {
            case MapCreation.Created(var map) -> (PerfBuffers) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private AgentHost producer(PerfBuffers buffers) throws IOException {
        AgentHost host = AgentHost.start(program);
        assertThat(host.ask("perf " + AgentHost.pathOf(buffers) + " "
                        + buffers.spec().maxEntries()))
                .isEqualTo("ok");
        return host;
    }

    private AgentHost producer(PerfBuffers buffers, Notes notes) throws IOException {
        AgentHost host = producer(buffers);
        assertThat(host.ask("notes " + notes.file())).isEqualTo("ok");
        return host;
    }

    private void round(PerfBuffers buffers, int victims, Reading reading) throws IOException {
        int workers = SURVIVORS + victims;
        List<AgentHost> survivors = new ArrayList<>();
        delivered = new long[workers + 1];
        next = new long[buffers.cpus()][workers + 1];
        dead = 0;
        try (Notes notes = new Notes(folder, workers);
                AgentHost killer = producer(buffers, notes);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<CompletableFuture<String>> ends = new ArrayList<>();
            for (int worker = 1; worker <= SURVIVORS; worker++) {
                AgentHost survivor = producer(buffers, notes);
                String command = "work perf " + worker;
                survivors.add(survivor);
                ends.add(CompletableFuture.supplyAsync(() -> survivor.ask(command), threads));
            }
            for (int worker = SURVIVORS + 1; worker <= workers; worker++) {
                String slay = "slay " + random.nextInt(LONGEST_LIFE_MICROS) + " work perf " + worker;
                CompletableFuture<Long> death = CompletableFuture.supplyAsync(() -> killer.number(slay), threads);
                while (!death.isDone()) {
                    reading.drain();
                }
                locks += buffers.releaseLocksOf(death.join().intValue());
                dead += buffers.ownerDied(death.join().intValue());
            }
            notes.stop();
            ends.forEach(end -> assertThat(end.join()).isEqualTo("ok"));
            while (reading.drain() > 0) {}
            requireExactCounts(buffers, notes, workers);
            assertThat(killer.number("output-everywhere")).isZero(); // tells of the last losses
            while (reading.drain() > 0) {}
            assertThat(reading.lost())
                    .as("what records told of")
                    .isEqualTo(buffers.losses().total());
            System.out.println("perf: " + victims + " killed, " + locks + " with the lock so far, " + dead
                    + " in a record; " + Arrays.stream(delivered).sum() + " delivered, " + reading.lost() + " lost");
        } finally {
            survivors.forEach(AgentHost::close);
        }
    }

    /** Whole, once, and each producer's in its order on each processor. */
    private void take(int cpu, ByteBuffer data) {
        long word = data.getLong(0);
        int worker = Deliveries.worker(word);
        long number = Deliveries.number(word);
        int words = 1 + (int) (word % WORDS_MAX);
        assertThat(data.remaining()).as("bytes of %d", word).isEqualTo(words * Long.BYTES + 4);
        for (int i = 1; i < words; i++) {
            if (data.getLong(i * Long.BYTES) != word) {
                throw new AssertionError("torn: " + word + " of worker " + worker);
            }
        }
        if (worker == 0) {
            return; // of output-everywhere
        }
        if (number < next[cpu][worker]) {
            throw new AssertionError(number + " of worker " + worker + " came late on " + cpu);
        }
        next[cpu][worker] = number + 1;
        delivered[worker]++;
    }

    /** A producer that was killed may have left one record of which it is not known from its notes what became of it. */
    private void requireExactCounts(PerfBuffers buffers, Notes notes, int workers) {
        long refused = 0;
        long open = 0;
        for (int worker = 1; worker <= workers; worker++) {
            long openHere = notes.open(worker);
            assertThat(openHere).isBetween(0L, worker <= SURVIVORS ? 0L : 1L);
            assertThat(delivered[worker] - notes.done(worker))
                    .as("of worker %d", worker)
                    .isBetween(0L, openHere);
            refused += notes.refused(worker);
            open += openHere - (delivered[worker] - notes.done(worker));
        }
        assertThat(buffers.losses().dead()).isEqualTo(dead);
        assertThat(buffers.losses().total() - dead - refused)
                .as("lost by no producer that goes on")
                .isBetween(0L, open - dead);
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.StepListener;
import graft.daemon.Session;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingLosses;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.Signals;
import graft.platform.proc.ProcessStat;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Targets that are killed inside a change of a map that they share with another target. */
@Tag("slow")
class TargetDeathTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/hash_changes.bpf.o");
    private static final Path RECORDS = Path.of("target/test-classes/bpf/ring_records.bpf.o");
    private static final long RECORD = RecordLayout.SIZE + 8 * Long.BYTES;
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final int CALLS = 100_000;
    private static final int STOPS = 100_000;

    @TempDir
    private Path folder;

    @Test
    void otherTargetsGoOnAndTheSessionSaysWhichOneEnded() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram killed = ToldProgram.start(file);
                ToldProgram living = ToldProgram.start(file);
                Session session = Sessions.open(
                        Sessions.request(OBJECT, List.of(pid(killed), pid(living))),
                        new Attacher(folder.resolve("journals"), StepListener.NONE))) {
            killed.begins("call " + Long.MAX_VALUE);
            stopInsideAChange(pid(killed), session.collection().map("table").orElseThrow());
            killed.kill();

            assertThat(session.hasLiveTarget()).isTrue();
            assertThat(session.endedTargets()).containsExactly(pid(killed));
            living.does("call " + CALLS);
            ArrayMap refused = (ArrayMap) session.collection().map("refused").orElseThrow();
            assertThat(refused.longAt(0)).isZero();
            assertThat(session.detach())
                    .extracting(DetachProof::outcome)
                    .containsExactly(DetachProof.Outcome.TARGET_GONE, DetachProof.Outcome.RESTORED);
            // Old words on its stack may still look like returns into the pool, so memory may stay; the text may not.
            DetachProof proof = session.detach().getLast();
            assertThat(proof.restored()).isEqualTo(proof.sites());
            assertThat(proof.pages()).isNotEmpty().allMatch(DetachProof.Page::matchesFile);
        }
    }

    @Test
    void recordsOfKilledProducersAreLostAndCountedAndTheOthersGoOn() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram reserving = ToldProgram.start(file);
                ToldProgram writing = ToldProgram.start(file);
                ToldProgram living = ToldProgram.start(file);
                Session session = Sessions.open(
                        Sessions.request(RECORDS, List.of(pid(reserving), pid(writing), pid(living))),
                        new Attacher(folder.resolve("journals"), StepListener.NONE))) {
            RingBuffer ring = (RingBuffer) session.collection().map("events").orElseThrow();
            long delivered = stopAndKill(reserving, ring, memory -> word(memory, RingLayout.LOCK) != 0);
            assertThat(session.endedTargets()).containsExactly(pid(reserving));
            delivered += stopAndKill(writing, ring, memory -> word(memory, RingLayout.LOCK) == 0 && lastIsBusy(memory));
            assertThat(session.endedTargets()).containsExactlyInAnyOrder(pid(reserving), pid(writing));

            CompletableFuture<Void> work = CompletableFuture.runAsync(() -> living.does("call " + CALLS));
            while (!work.isDone()) {
                delivered += ring.drain(TargetDeathTest::requireWhole, Integer.MAX_VALUE);
            }
            work.join();
            delivered += ring.drain(TargetDeathTest::requireWhole, Integer.MAX_VALUE);
            RingLosses losses = ring.losses();
            assertThat(losses.dead()).isBetween(1L, 2L);
            try (SharedRegion memory = mapped(ring)) {
                long produced = word(memory, MapConstants.RING_PRODUCER_OFFSET);
                assertThat(produced).isEqualTo(RECORD * (delivered + losses.dead()));
                assertThat(word(memory, MapConstants.RING_CONSUMER_OFFSET)).isEqualTo(produced);
                assertThat(word(memory, RingLayout.LOCK)).isZero();
            }
            ArrayMap refused = (ArrayMap) session.collection().map("refused").orElseThrow();
            assertThat(refused.longAt(0)).isEqualTo(losses.total() - losses.dead());
            session.detach();
        }
    }

    /** Stops it again and again, until its ring is as wanted, and kills it. @return how many records came meanwhile */
    private static long stopAndKill(ToldProgram program, RingBuffer ring, Predicate<SharedRegion> wanted) {
        long delivered = 0;
        program.begins("call " + Long.MAX_VALUE);
        try (SharedRegion memory = mapped(ring)) {
            for (int stop = 0; stop < STOPS; stop++) {
                stop(pid(program));
                if (wanted.test(memory)) {
                    program.kill();
                    return delivered;
                }
                delivered += ring.drain(TargetDeathTest::requireWhole, Integer.MAX_VALUE);
                long produced = word(memory, MapConstants.RING_PRODUCER_OFFSET);
                Signals.kill(pid(program), Signals.SIGCONT);
                while (word(memory, MapConstants.RING_PRODUCER_OFFSET) == produced) {
                    Thread.onSpinWait();
                }
            }
        }
        throw new AssertionError("never stopped where it was wanted");
    }

    private static SharedRegion mapped(RingBuffer ring) {
        return SharedRegion.map(ring.fd(), ring.regionSize(), SharedRegion.Access.READ_ONLY);
    }

    private static long word(SharedRegion memory, long offset) {
        return (long) WORD.getVolatile(memory.segment(), offset);
    }

    private static boolean lastIsBusy(SharedRegion memory) {
        long produced = word(memory, MapConstants.RING_PRODUCER_OFFSET);
        long size = word(memory, RingLayout.DATA_SIZE);
        long header = MapConstants.RING_DATA_OFFSET + (produced - RECORD & size - 1);
        return produced > 0 && (word(memory, header) & MapConstants.RECORD_BUSY & 0xffffffffL) != 0;
    }

    private static void requireWhole(MemorySegment record) {
        long first = record.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        for (long at = 0; at < record.byteSize(); at += Long.BYTES) {
            assertThat(record.get(ValueLayout.JAVA_LONG_UNALIGNED, at)).isEqualTo(first);
        }
    }

    private static int pid(ToldProgram program) {
        return Integer.parseInt(program.pid());
    }

    /** Stops the process again and again, until it holds a lock in {@code map}: a word with its process and thread id. */
    private static void stopInsideAChange(int pid, BpfMap map) {
        long owner = (long) pid << Integer.SIZE | pid;
        try (SharedRegion memory = SharedRegion.map(map.fd(), map.regionSize(), SharedRegion.Access.READ_ONLY)) {
            for (int stop = 0; stop < STOPS; stop++) {
                stop(pid);
                if (memory.segment()
                        .elements(ValueLayout.JAVA_LONG)
                        .anyMatch(word -> word.get(ValueLayout.JAVA_LONG, 0) == owner)) {
                    return;
                }
                Signals.kill(pid, Signals.SIGCONT);
            }
            throw new AssertionError("never stopped inside a change");
        }
    }

    private static void stop(int pid) {
        Signals.kill(pid, Signals.SIGSTOP);
        while (ProcessStat.of(pid).state() != 'T') {
            Thread.onSpinWait();
        }
    }
}

package graft.cli.bench;

import graft.bridge.KernelMap;
import graft.bridge.KernelRingBuffer;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.RingBuffer;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Where events come from: the ring of a session, or the kernel's. */
sealed interface EventSource extends AutoCloseable {
    /** Of {@code events.bpf.c}. */
    int SEEN = 0;

    int LOST = 1;

    /** Hands over what is there, after waiting for it at most so long. @return how many */
    int take(Duration limit, Consumer<MemorySegment> event);

    /** A total of all processors, by its number. */
    long total(int number);

    @Override
    void close();

    /** Of a session; borrowed. */
    record InProcess(Session session) implements EventSource {
        private RingBuffer ring() {
            return (RingBuffer) session.collection().map("events").orElseThrow();
        }

        @Override
        public int take(Duration limit, Consumer<MemorySegment> event) {
            RingBuffer ring = ring();
            return ring.await(limit) ? ring.drain(event::accept, Integer.MAX_VALUE) : 0;
        }

        @Override
        public long total(int number) {
            KeyedMap totals = (KeyedMap) session.collection().map("totals").orElseThrow();
            return sum(totals::lookup, number);
        }

        @Override
        public void close() {} // borrowed
    }

    /** The kernel's; the session is borrowed. */
    record InKernel(KernelRingBuffer ring, KernelMap totals) implements EventSource {
        static InKernel of(KernelSession session) {
            return new InKernel(
                    KernelRingBuffer.open(session.maps().get("events")),
                    session.maps().get("totals"));
        }

        @Override
        public int take(Duration limit, Consumer<MemorySegment> event) {
            return ring.await(limit, event::accept);
        }

        @Override
        public long total(int number) {
            return sum(totals::lookup, number);
        }

        @Override
        public void close() {
            ring.close();
        }
    }

    private static long sum(Function<byte[], Optional<byte[]>> lookup, int number) {
        byte[] key = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(number)
                .array();
        byte[] rows = lookup.apply(key).orElseThrow();
        ByteBuffer words = ByteBuffer.wrap(rows).order(ByteOrder.nativeOrder());
        return IntStream.range(0, rows.length / Long.BYTES)
                .mapToLong(i -> words.getLong(i * Long.BYTES))
                .sum();
    }
}

package graft.cli.bench;

import graft.bridge.KernelRingBuffer;
import graft.cli.tls.TlsTally;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.RingBuffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;

/** Where the records of the packaged TLS program come from. Read by one thread. */
sealed interface TlsSource extends AutoCloseable {
    String EVENTS = "events";
    String COUNTERS = ".bss";

    /** Gives the records that are there to {@code tally}, at most for {@code limit} when there are none yet. */
    void read(TlsTally tally, Duration limit);

    /** Calls whose data was not delivered, as the program counted them. */
    long lost();

    /** Gives back what reading needed; the session stays. */
    @Override
    void close();

    /** The program in the targets. */
    record Targets(Session session, RingBuffer events) implements TlsSource {
        private static final int BATCH = 4096;

        static Targets of(Session session) {
            BpfMap events = session.collection().map(EVENTS).orElseThrow();
            return new Targets(session, (RingBuffer) events);
        }

        @Override
        public void read(TlsTally tally, Duration limit) {
            if (events.drain(tally::add, BATCH) < BATCH) {
                events.await(limit);
            }
        }

        @Override
        public long lost() {
            BpfMap counters = session.collection().map(COUNTERS).orElseThrow();
            return sum(((KeyedMap) counters).lookup(new byte[Integer.BYTES]));
        }

        @Override
        public void close() {
            // the ring belongs to the session
        }
    }

    /** The program in the kernel. */
    record Kernel(KernelSession session, KernelRingBuffer events) implements TlsSource {
        static Kernel of(KernelSession session) {
            return new Kernel(session, KernelRingBuffer.open(session.maps().get(EVENTS)));
        }

        @Override
        public void read(TlsTally tally, Duration limit) {
            events.await(limit, tally::add);
        }

        @Override
        public long lost() {
            return sum(session.maps().get(COUNTERS).lookup(new byte[Integer.BYTES]));
        }

        @Override
        public void close() {
            events.close();
        }
    }

    /** All counters of the program's global data are losses. */
    private static long sum(Optional<byte[]> counters) {
        ByteBuffer values = ByteBuffer.wrap(counters.orElseThrow()).order(ByteOrder.nativeOrder());
        long sum = 0;
        while (values.remaining() >= Long.BYTES) {
            sum += values.getLong();
        }
        return sum;
    }
}

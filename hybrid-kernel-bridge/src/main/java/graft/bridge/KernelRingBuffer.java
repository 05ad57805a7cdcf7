package graft.bridge;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.ebpf.object.MapType;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Poll;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.SysException;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;

/**
 * Reads the records of a kernel ring buffer. Owns its mappings, not the map. One thread at a time; one reader for each
 * map, because readers share the consumer's position.
 *
 * <pre>
 *   page 0   consumer position, ours to write
 *   page 1   producer position              ┐ read only
 *   page 2…  data, mapped twice in a row    ┘
 * </pre>
 */
public final class KernelRingBuffer implements AutoCloseable {
    private static final int BUSY = 1 << 31;
    private static final int DISCARDED = 1 << 30;
    private static final int HEADER_BYTES = 8;
    private static final VarHandle POSITION = JAVA_LONG.varHandle();
    private static final VarHandle LENGTH = JAVA_INT.varHandle();

    private final NativeFd fd;
    private final SharedRegion consumer;
    private final SharedRegion producer;
    private final MemorySegment data;
    private final long mask;

    private KernelRingBuffer(NativeFd fd, SharedRegion consumer, SharedRegion producer, long size) {
        this.fd = fd;
        this.consumer = consumer;
        this.producer = producer;
        this.data = producer.segment().asSlice(Sysconf.pageSize());
        this.mask = size - 1;
    }

    /** Takes a record. */
    @FunctionalInterface
    public interface Receiver {
        /** @param record its bytes, valid during the call */
        void receive(MemorySegment record);
    }

    /**
     * Maps a ring buffer.
     *
     * @throws IllegalArgumentException for a map of another kind
     */
    public static KernelRingBuffer open(KernelMap map) {
        if (map.spec().type() != MapType.RINGBUF) {
            throw new IllegalArgumentException(map.spec().name() + " is no ring buffer");
        }
        int page = Sysconf.pageSize();
        long size = map.spec().maxEntries();
        SharedRegion consumer = SharedRegion.map(map.fd(), page, SharedRegion.Access.READ_WRITE);
        try {
            SharedRegion producer = SharedRegion.map(map.fd(), page, page + 2 * size, SharedRegion.Access.READ_ONLY);
            return new KernelRingBuffer(map.fd(), consumer, producer, size);
        } catch (SysException failed) {
            consumer.close();
            throw failed;
        }
    }

    /** Gives all records that are complete now to {@code receiver}, oldest first; how many there were. */
    public int drain(Receiver receiver) {
        long at = (long) POSITION.get(consumer.segment(), 0L);
        int received = 0;
        while (at < (long) POSITION.getAcquire(producer.segment(), 0L)) {
            long place = at & mask;
            int length = (int) LENGTH.getAcquire(data, place);
            if ((length & BUSY) != 0) {
                return received;
            }
            int bytes = length & ~DISCARDED;
            at += HEADER_BYTES + ((bytes + 7L) & -8L);
            try {
                if ((length & DISCARDED) == 0) {
                    received++;
                    receiver.receive(data.asSlice(place + HEADER_BYTES, bytes));
                }
            } finally {
                // The kernel may overwrite the record from here on.
                POSITION.setRelease(consumer.segment(), 0L, at);
            }
        }
        return received;
    }

    /** Waits for records, at most for {@code limit}, and drains; 0 when none came. */
    public int await(Duration limit, Receiver receiver) {
        int received = drain(receiver);
        if (received == 0 && Poll.readable(fd, limit) == Poll.Wait.READY) {
            received = drain(receiver);
        }
        return received;
    }

    /** Unmaps. Safe to call twice. */
    @Override
    public void close() {
        producer.close();
        consumer.close();
    }
}

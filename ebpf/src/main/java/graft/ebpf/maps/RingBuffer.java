package graft.ebpf.maps;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;
import graft.platform.linux.Futex;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.List;

/**
 * A ring buffer: many producers in any number of targets, one consumer here. The kernel's layout, so that other readers
 * of that layout work too. {@link #drain} and {@link #await} belong to one thread.
 */
public final class RingBuffer implements BpfMap {
    private static final VarHandle LONG = JAVA_LONG.varHandle();
    private static final VarHandle INT = JAVA_INT.varHandle();
    private static final long CONSUMER = MapConstants.RING_CONSUMER_OFFSET;
    private static final long PRODUCER = MapConstants.RING_PRODUCER_OFFSET;
    private static final long WAKE_AT = RingLayout.WAKE_AT;

    private final MapSpec spec;
    private final NativeFd fd;
    private final SharedRegion head;
    private final SharedRegion records;
    private final MemorySegment data;
    private long consumed;

    private RingBuffer(MapSpec spec, NativeFd fd, SharedRegion head, SharedRegion records) {
        this.spec = spec;
        this.fd = fd;
        this.head = head;
        this.records = records;
        this.data = records.segment();
    }

    static RingBuffer create(MapSpec spec) {
        long size = MapConstants.RING_DATA_OFFSET + (long) spec.maxEntries();
        NativeFd fd = Mman.sealedMemfd("graft-map-" + spec.name(), size, Mman.MFD_NOEXEC_SEAL);
        SharedRegion head = SharedRegion.map(fd, MapConstants.RING_DATA_OFFSET, SharedRegion.Access.READ_WRITE);
        SharedRegion records =
                SharedRegion.map(fd, MapConstants.RING_DATA_OFFSET, spec.maxEntries(), SharedRegion.Access.READ_WRITE);
        MemorySegment header = head.segment();
        header.set(JAVA_INT, RingLayout.ABI, PoolConstants.ABI);
        header.set(JAVA_INT, RingLayout.TYPE, spec.type().number());
        header.set(JAVA_LONG, RingLayout.DATA_SIZE, spec.maxEntries());
        header.set(JAVA_LONG, WAKE_AT, MapConstants.RING_AWAKE);
        return new RingBuffer(spec, fd, head, records);
    }

    /** Takes records. */
    @FunctionalInterface
    public interface Consumer {
        /** One record; the memory is valid until the call returns. */
        void accept(MemorySegment record);
    }

    /** Why records did not get into the ring. */
    public record Losses(long full, long lockBusy, long reentered, long dead) {
        /** All of them. */
        public long total() {
            return full + lockBusy + reentered + dead;
        }
    }

    /** Gives finished records to {@code consumer}, at most {@code limit}; their number. */
    public int drain(Consumer consumer, int limit) {
        int count = 0;
        long produced = (long) LONG.getAcquire(head.segment(), PRODUCER);
        while (consumed < produced && count < limit) {
            long at = consumed & (spec.maxEntries() - 1);
            int length = (int) INT.getAcquire(data, at + RecordLayout.LENGTH);
            if ((length & MapConstants.RECORD_BUSY) != 0) {
                break;
            }
            int size = length & MapConstants.RECORD_LENGTH;
            if ((length & MapConstants.RECORD_DISCARD) == 0) {
                consumer.accept(record(at + RecordLayout.SIZE, size));
                count++;
            }
            consumed += (size + RecordLayout.SIZE + 7L) & -8L;
            LONG.setRelease(head.segment(), CONSUMER, consumed);
        }
        return count;
    }

    /** A record that wraps around the end is put together in a copy; others are seen in place. */
    private MemorySegment record(long start, int size) {
        long at = start & (spec.maxEntries() - 1);
        long first = Math.min(size, spec.maxEntries() - at);
        if (first == size) {
            return data.asSlice(at, size);
        }
        MemorySegment whole = MemorySegment.ofArray(new long[(size + 7) / 8]).asSlice(0, size);
        MemorySegment.copy(data, at, whole, 0, first);
        MemorySegment.copy(data, 0, whole, first, size - first);
        return whole;
    }

    /**
     * Sleeps until a record may be there, or until {@code timeout}. While this side sleeps the producer of the first
     * record rings once; while it drains nobody rings.
     */
    public void await(Duration timeout) {
        MemorySegment header = head.segment();
        int doorbell = (int) INT.getVolatile(header, (long) RingLayout.DOORBELL);
        LONG.setVolatile(header, WAKE_AT, consumed);
        if (!hasRecord()) {
            Futex.await(header, RingLayout.DOORBELL, doorbell, timeout);
        }
        LONG.setVolatile(header, WAKE_AT, MapConstants.RING_AWAKE);
    }

    private boolean hasRecord() {
        if (consumed >= (long) LONG.getVolatile(head.segment(), PRODUCER)) {
            return false;
        }
        int length = (int) INT.getVolatile(data, consumed & (spec.maxEntries() - 1));
        return (length & MapConstants.RECORD_BUSY) == 0;
    }

    /** Losses so far. */
    public Losses losses() {
        return new Losses(
                counter(RingLayout.LOST_FULL),
                counter(RingLayout.LOST_BUSY),
                counter(RingLayout.LOST_REENTERED),
                counter(RingLayout.LOST_DEAD));
    }

    private long counter(long offset) {
        return (long) LONG.getVolatile(head.segment(), offset);
    }

    @Override
    public MapSpec spec() {
        return spec;
    }

    @Override
    public NativeFd fd() {
        return fd;
    }

    @Override
    public long regionSize() {
        return MapConstants.RING_DATA_OFFSET + 2L * spec.maxEntries();
    }

    @Override
    public List<Piece> pieces() {
        long size = MapConstants.RING_DATA_OFFSET + (long) spec.maxEntries();
        return List.of(new Piece(0, size, 0), new Piece(MapConstants.RING_DATA_OFFSET, spec.maxEntries(), size));
    }

    @Override
    public long headerAddress(long base) {
        return base;
    }

    @Override
    public long dataAddress(long base) {
        return base + MapConstants.RING_DATA_OFFSET;
    }

    @Override
    public int stride() {
        return 0;
    }

    @Override
    public int cpuStride() {
        return 0;
    }

    @Override
    public int cpus() {
        return 1;
    }

    @Override
    public void close() {
        records.close();
        head.close();
        fd.close();
    }
}

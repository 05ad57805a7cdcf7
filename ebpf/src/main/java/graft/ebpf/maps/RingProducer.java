package graft.ebpf.maps;

import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;
import java.util.OptionalLong;

/**
 * A producer of a ring buffer in this process: the agent's {@code ring.c}, with its order of stores. Places are in the memory that
 * {@link MapView} has. May be used by any thread until the map is closed.
 */
public final class RingProducer {
    private static final long NO_WAKEUP = 1;
    private static final long FORCE_WAKEUP = 2;
    private static final int OWNER = (int) ProcessHandle.current().pid() & (1 << MapConstants.RECORD_OWNER_BITS) - 1;

    private final RingBuffer ring;
    private final MapRegion region;
    private final long size;

    /** @param ring borrowed */
    public RingProducer(RingBuffer ring) {
        this.ring = ring;
        this.region = ring.region;
        this.size = ring.spec().maxEntries();
    }

    private static long room(long length) {
        return (length & MapConstants.RECORD_LENGTH) + RecordLayout.SIZE + 7 & -8;
    }

    private long header(long position) {
        return MapConstants.RING_DATA_OFFSET + (position & size - 1);
    }

    private long consumed() {
        return region.getLongAcquire(MapConstants.RING_CONSUMER_OFFSET);
    }

    private long produced() {
        return region.getLongAcquire(MapConstants.RING_PRODUCER_OFFSET);
    }

    /**
     * {@code bpf_ringbuf_reserve}: where the data of the record go.
     *
     * @throws DamagedMapException when the positions, which processes write, contradict each other
     */
    public OptionalLong reserve(long length) {
        if (length < 0 || length > MapConstants.RECORD_LENGTH || room(length) > size) {
            return OptionalLong.empty();
        }
        if (!LockWord.acquire(region, RingLayout.LOCK, RingLayout.LOST_BUSY)) {
            return OptionalLong.empty();
        }
        try {
            long at = produced();
            long end = at + room(length);
            long consumed = consumed();
            requirePlausible(consumed, at);
            long pending = firstBusy(Math.max(region.getLong(RingLayout.PENDING), consumed), at, end);
            region.setLong(RingLayout.PENDING, pending);
            if (end - consumed > size || end - pending > size) {
                region.getAndAddLong(RingLayout.LOST_FULL, 1);
                return OptionalLong.empty();
            }
            region.set(header(at) + RecordLayout.OWNER, OWNER);
            region.set(header(at) + RecordLayout.LENGTH, (int) length | MapConstants.RECORD_BUSY);
            region.setLongRelease(MapConstants.RING_PRODUCER_OFFSET, end);
            return OptionalLong.of(header(at) + RecordLayout.SIZE);
        } finally {
            LockWord.release(region, RingLayout.LOCK);
        }
    }

    private void requirePlausible(long consumed, long produced) {
        long pending = region.getLong(RingLayout.PENDING);
        boolean areInOrder =
                consumed >= 0 && consumed <= produced && produced - consumed <= size && pending <= produced;
        if (!areInOrder || ((consumed | produced | pending) & 7) != 0) {
            throw new DamagedMapException(
                    ring.spec(),
                    "its positions contradict each other: %d read of %d; a process that maps it has written over it"
                            .formatted(consumed, produced));
        }
    }

    /** The first position that is still busy, when there is not enough room behind {@code pending}. */
    private long firstBusy(long pending, long at, long end) {
        long first = pending;
        while (end - first > size && first < at) {
            int length = region.getAcquire(header(first) + RecordLayout.LENGTH);
            if ((length & MapConstants.RECORD_BUSY) != 0) {
                break;
            }
            first += room(length);
        }
        return first;
    }

    /** What becomes of a record. */
    public enum End {
        /** The reader gets it. */
        SUBMITTED,
        /** The reader passes it over. */
        DISCARDED
    }

    /** {@code bpf_ringbuf_submit} and {@code bpf_ringbuf_discard} of what was reserved at {@code place}. */
    public void finish(long place, End how, long flags) {
        long header = place - RecordLayout.SIZE;
        int length = region.get(header + RecordLayout.LENGTH) & ~MapConstants.RECORD_BUSY;
        int mark = how == End.DISCARDED ? MapConstants.RECORD_DISCARD : 0;
        region.setRelease(header + RecordLayout.LENGTH, length | mark);
        long wakeAt = region.getLongAcquire(RingLayout.WAKE_AT);
        if (wakeAt == MapConstants.RING_AWAKE || (flags & NO_WAKEUP) != 0) {
            return;
        }
        long consumed = consumed();
        long at = consumed + (header - MapConstants.RING_DATA_OFFSET - consumed & size - 1);
        boolean due = (wakeAt & MapConstants.RING_WAKE_EXACT) != 0
                ? at == (wakeAt & -8)
                : Long.compareUnsigned(at + room(length), wakeAt) > 0;
        if (due || (flags & FORCE_WAKEUP) != 0) {
            ring.reader().wake();
        }
    }

    /** {@code bpf_ringbuf_query}. */
    public long query(long what) {
        return switch (Math.clamp(what, -1, 4)) {
            case 0 -> produced() - consumed();
            case 1 -> size;
            case 2 -> consumed();
            case 3 -> produced();
            default -> 0;
        };
    }
}

package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;
import graft.platform.linux.Futex;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The one consumer of a ring. Used by one thread, but for {@link #ownerDied}, which any thread may call, and which
 * {@link #await} notices. A reader that waits costs nothing: the first record wakes it. After a burst it pauses, for a time
 * that it fits to the flow of records: a busy producer hardly ever makes a system call, and the reader is not woken more
 * often than there is work for it.
 */
public final class RingBufferReader {
    private static final long FIRST_PAUSE_NANOS = 1_000_000;
    private static final long LONGEST_PAUSE_NANOS = 16_000_000;
    /** Not more than a pause is worth: fewer records than this in a pause are waited for one by one. */
    private static final int BURST_RECORDS = 8;
    /** Longer than a store of a producer takes to become visible, by orders of magnitude. */
    private static final long SETTLING_NANOS = 50_000;
    /** A reader that frees room seldom leaves the producers' cache lines alone. */
    private static final int PUBLISHED_PARTS = 8;

    /** Filled during a pause, this part of the ring ends it: a producer has to make a system call then. */
    private static final int WAKING_PART = 2;

    /** Not filled during a pause, this part of the ring makes the next one longer. */
    private static final int SMALL_PART = 8;

    /** What may gather in a pause and still lie in a second-level cache, half of it, when it is written again. */
    private static final long CACHED_BYTES = 3 << 20;

    private static final int OWNER_MASK = (1 << MapConstants.RECORD_OWNER_BITS) - 1;

    /** Takes one record. */
    @FunctionalInterface
    public interface Consumer {
        /** @param data the record's bytes in shared memory or a copy; valid and read-only during the call */
        void accept(MemorySegment data);
    }

    private final MapSpec spec;
    private final MapRegion region;
    private final MemorySegment memory;
    private final long size;
    private int recordsSinceWait;
    private long pauseNanos = FIRST_PAUSE_NANOS;
    private long delivered;
    private final AtomicBoolean watched = new AtomicBoolean();

    RingBufferReader(MapSpec spec, MapRegion region) {
        this.spec = spec;
        this.region = region;
        this.memory = region.memory().asReadOnly();
        this.size = spec.maxEntries();
    }

    /**
     * Hands finished records, at most {@code limit} and one ring full, to {@code consumer}, in the order of their
     * reservations, up to the first one that is not submitted yet. When the consumer throws, its record counts as taken.
     *
     * @return how many were handed over; discarded ones are not counted
     * @throws DamagedMapException when the ring contradicts itself; no record behind that place is handed over
     */
    public int drain(Consumer consumer, int limit) {
        long consumed = consumed();
        long published = consumed;
        int records = 0;
        try {
            // Once around at most: a process that makes records without end must not keep the reader here.
            long end = consumed + size;
            long left = produced(consumed) - consumed;
            for (; records < limit && left > 0 && consumed < end; left = produced(consumed) - consumed) {
                int header = headerAt(consumed);
                if ((header & MapConstants.RECORD_BUSY) != 0) {
                    break;
                }
                int length = header & MapConstants.RECORD_LENGTH;
                long data = (consumed + RecordLayout.SIZE) & size - 1;
                if (room(length) > left) {
                    throw damaged("a record of " + length + " bytes where only " + left + " were written");
                }
                consumed += room(length);
                if ((header & MapConstants.RECORD_DISCARD) == 0) {
                    records++;
                    consumer.accept(slice(data, length));
                }
                if (consumed - published >= size / PUBLISHED_PARTS) {
                    published = consumed;
                    region.setLongRelease(MapConstants.RING_CONSUMER_OFFSET, consumed);
                }
            }
        } finally {
            region.setLongRelease(MapConstants.RING_CONSUMER_OFFSET, consumed);
        }
        recordsSinceWait += records;
        delivered += records;
        return records;
    }

    /** Records handed over so far. */
    public long delivered() {
        return delivered;
    }

    private MemorySegment slice(long data, int length) {
        long at = MapConstants.RING_DATA_OFFSET + data;
        long first = size - data;
        if (length <= first) {
            return memory.asSlice(at, length);
        }
        byte[] joined = new byte[length];
        MemorySegment copy = MemorySegment.ofArray(joined);
        MemorySegment.copy(memory, at, copy, 0, first);
        MemorySegment.copy(memory, MapConstants.RING_DATA_OFFSET, copy, first, length - first);
        return copy.asReadOnly();
    }

    /**
     * Sleeps until a record can be drained, at most {@code timeout}.
     *
     * @return true when {@link #drain} has something to do
     * @throws IllegalStateException when a {@link RingEventFd} waits
     */
    public boolean await(Duration timeout) {
        if (watched.get()) {
            throw new IllegalStateException("map " + spec.name() + " has an eventfd, which is to be waited for");
        }
        long nanos = timeout.toNanos();
        long deadline = System.nanoTime() + nanos;
        if (recordsSinceWait < BURST_RECORDS) {
            pauseNanos = FIRST_PAUSE_NANOS;
        } else if (nanos > pauseNanos) {
            startAgain();
            pause();
        }
        recordsSinceWait = 0;
        while (!isReady()) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            sleep(left);
        }
        return true;
    }

    /**
     * Lets records gather, and finds how long the next pause may be. A producer that looks too early does no harm here:
     * the next one that fills more looks again, and a pause is short.
     */
    private void pause() {
        long full = consumed() + size / WAKING_PART;
        int doorbell = region.getAcquire(RingLayout.DOORBELL);
        region.setLongVolatile(RingLayout.WAKE_AT, full);
        if (produced() <= full) {
            Futex.await(region.memory(), RingLayout.DOORBELL, doorbell, pauseNanos);
        }
        region.setLongVolatile(RingLayout.WAKE_AT, MapConstants.RING_AWAKE);
        long gathered = produced() - consumed();
        if (gathered > Math.min(size / WAKING_PART, 2 * CACHED_BYTES)) {
            pauseNanos = Math.max(pauseNanos / 2, FIRST_PAUSE_NANOS);
        } else if (gathered < Math.min(size / SMALL_PART, CACHED_BYTES / 2)) {
            pauseNanos = Math.min(pauseNanos * 2, LONGEST_PAUSE_NANOS);
        }
    }

    /**
     * Moves the positions of an empty ring to its next beginning, so that the producers write where they wrote before and
     * not through the whole ring: those lines are still in their caches. The positions only grow, as if a record that
     * reaches to the end had been made and taken. The reader's moves first: who sees the producers' new position sees this
     * one too.
     */
    private void startAgain() {
        long consumed = consumed();
        long behind = consumed & size - 1;
        if (behind < Math.min(size / SMALL_PART, CACHED_BYTES / 4)
                || produced() != consumed
                || !LockWord.tryAcquire(region, RingLayout.LOCK)) {
            return;
        }
        if (produced() == consumed) {
            long beginning = consumed - behind + size;
            region.setLongRelease(MapConstants.RING_CONSUMER_OFFSET, beginning);
            region.setLongRelease(RingLayout.PENDING, beginning);
            region.setLongRelease(MapConstants.RING_PRODUCER_OFFSET, beginning);
        }
        LockWord.release(region, RingLayout.LOCK);
    }

    /** Wakes a sleeping {@link #await} so that its caller can look around; the wait may return before its time. */
    public void wake() {
        region.setLongVolatile(RingLayout.WAKE_AT, MapConstants.RING_AWAKE);
        region.getAndAdd(RingLayout.DOORBELL, 1);
        Futex.wake(region.memory(), RingLayout.DOORBELL, 1);
    }

    /**
     * Sleeps until the next record is finished. Store where to wake, then look: a producer submits, then looks there. As no
     * fence stands between its store and its look, both may miss each other for the time that the store needs to become
     * visible; so look again after a short sleep, and only then sleep long.
     */
    private void sleep(long nanos) {
        int doorbell = region.getAcquire(RingLayout.DOORBELL);
        region.setLongVolatile(RingLayout.WAKE_AT, consumed() | MapConstants.RING_WAKE_EXACT);
        if (!isReady()) {
            Futex.Wait ended =
                    Futex.await(region.memory(), RingLayout.DOORBELL, doorbell, Math.min(nanos, SETTLING_NANOS));
            if (nanos > SETTLING_NANOS && ended == Futex.Wait.TIMED_OUT && !isReady()) {
                Futex.await(region.memory(), RingLayout.DOORBELL, doorbell, nanos - SETTLING_NANOS);
            }
        }
        region.setLongVolatile(RingLayout.WAKE_AT, MapConstants.RING_AWAKE);
    }

    /** From here on a {@link RingEventFd} waits for records. */
    void beginWatch() {
        if (!watched.compareAndSet(false, true)) {
            throw new IllegalStateException("map " + spec.name() + " has an eventfd");
        }
    }

    void endWatch() {
        watched.set(false);
    }

    private boolean isReady() {
        long consumed = consumed();
        return consumed < produced(consumed) && (headerAt(consumed) & MapConstants.RECORD_BUSY) == 0;
    }

    /**
     * Discards the records that a dead process reserved and never submitted. Ends at the first one that cannot be true.
     *
     * @param tgid its process id in the initial pid namespace
     * @return how many
     */
    public int ownerDied(int tgid) {
        int discarded = 0;
        long at = consumed();
        long end = produced();
        for (long steps = size / RecordLayout.SIZE; steps > 0 && at < end && isInside(at, end); steps--) {
            long header = MapConstants.RING_DATA_OFFSET + (at & size - 1);
            int length = region.getAcquire(header + RecordLayout.LENGTH);
            boolean theirs = (region.get(header + RecordLayout.OWNER) & OWNER_MASK) == (tgid & OWNER_MASK);
            int discard = length & MapConstants.RECORD_LENGTH | MapConstants.RECORD_DISCARD;
            long consumed = consumed();
            if (consumed > at) {
                // The reader has passed: what was read here may be the inside of a newer record.
                at = consumed;
                continue;
            }
            if (theirs
                    && (length & MapConstants.RECORD_BUSY) != 0
                    && region.compareAndSet(header + RecordLayout.LENGTH, length, discard)) {
                discarded++;
            }
            at += room(length);
        }
        region.getAndAddLong(RingLayout.LOST_DEAD, discarded);
        if (discarded > 0) {
            wake();
        }
        return discarded;
    }

    private long consumed() {
        return region.getLongAcquire(MapConstants.RING_CONSUMER_OFFSET);
    }

    private long produced() {
        return region.getLongAcquire(MapConstants.RING_PRODUCER_OFFSET);
    }

    /** The producers' position, which is at most a whole ring before the reader's. */
    private long produced(long consumed) {
        long produced = produced();
        if (!arePlausible(consumed, produced)) {
            throw damaged("its positions contradict each other: " + consumed + " read of " + produced);
        }
        return produced;
    }

    private boolean arePlausible(long consumed, long produced) {
        return consumed <= produced && isInside(consumed, produced);
    }

    /** Whether a record may begin at {@code position} when {@code produced} bytes were reserved. */
    private boolean isInside(long position, long produced) {
        return position >= 0 && (position & 7) == 0 && produced - position <= size;
    }

    private DamagedMapException damaged(String what) {
        return new DamagedMapException(spec, what + "; a process that maps it has written over it");
    }

    private int headerAt(long position) {
        return region.getAcquire(MapConstants.RING_DATA_OFFSET + (position & size - 1));
    }

    static long room(int length) {
        return (length & MapConstants.RECORD_LENGTH) + RecordLayout.SIZE + 7L & -8;
    }
}

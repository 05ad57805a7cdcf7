package graft.ebpf.maps;

import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.RingLayout;
import graft.platform.linux.EventFd;
import graft.platform.linux.Futex;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SysException;

/**
 * A descriptor that becomes readable when there are records, for readers that wait for other things as well ({@code epoll}), here or in
 * another process. Producers know only the ring's doorbell, so a thread waits at that; between records it uses no processor. A reader
 * takes the count out of the descriptor, then drains; in a burst it is told once a millisecond.
 *
 * <p>It stands in the place of {@link RingBufferReader#await}, and is closed before the ring.
 */
public final class RingEventFd implements AutoCloseable {
    private static final long PAUSE_NANOS = 1_000_000;
    /** See {@link RingBufferReader}. */
    private static final long SETTLING_NANOS = 50_000;
    /** Filled during a pause, this part of the ring ends it. */
    private static final int WAKING_PART = 2;

    private final MapRegion region;
    private final long size;
    private final RingBufferReader reader;
    private final EventFd event;
    private final Thread watcher;
    private volatile boolean over; // published to `watcher`

    RingEventFd(RingBuffer ring) {
        this.region = ring.region;
        this.size = ring.spec().maxEntries();
        this.reader = ring.reader();
        reader.beginWatch();
        this.event = created(ring);
        this.watcher = Thread.ofPlatform()
                .daemon()
                .name("eventfd of " + ring.spec().name())
                .start(this::watch);
    }

    private EventFd created(RingBuffer ring) {
        try {
            return EventFd.create("an eventfd of map " + ring.spec().name());
        } catch (SysException failed) {
            reader.endWatch();
            throw failed;
        }
    }

    /** Readable when there are records that were not there when its count was last taken; stays owned by this. */
    public NativeFd fd() {
        return event.fd();
    }

    /** How often it was signalled since this was last asked, which makes it unreadable. */
    public long take() {
        return event.take();
    }

    private void watch() {
        long told = consumed();
        while (!over) {
            long complete = completeFrom(told);
            if (complete > told) {
                told = complete;
                event.signal();
                pause();
            } else {
                sleepBehind(told);
            }
        }
    }

    /** The position behind the records that are complete, from {@code from} or the reader's position on. */
    private long completeFrom(long from) {
        long at = Math.max(from, consumed());
        long end = region.getLongAcquire(MapConstants.RING_PRODUCER_OFFSET);
        for (long steps = size / RecordLayout.SIZE; steps > 0 && at < end && isInside(at, end); steps--) {
            int header = region.getAcquire(MapConstants.RING_DATA_OFFSET + (at & size - 1));
            long consumed = consumed();
            if (consumed > at) {
                at = consumed; // what was read here may be the inside of a newer record
            } else if ((header & MapConstants.RECORD_BUSY) != 0) {
                break;
            } else {
                at += RingBufferReader.room(header & MapConstants.RECORD_LENGTH);
            }
        }
        return at;
    }

    private boolean isInside(long position, long produced) {
        return (position & 7) == 0 && produced - position <= size;
    }

    /** Producers make no system call meanwhile, unless the ring fills. */
    private void pause() {
        long full = consumed() + size / WAKING_PART;
        int doorbell = region.getAcquire(RingLayout.DOORBELL);
        region.setLongVolatile(RingLayout.WAKE_AT, full);
        if (!over && region.getLongAcquire(MapConstants.RING_PRODUCER_OFFSET) <= full) {
            Futex.await(region.memory(), RingLayout.DOORBELL, doorbell, PAUSE_NANOS);
        }
        region.setLongVolatile(RingLayout.WAKE_AT, MapConstants.RING_AWAKE);
    }

    /**
     * Sleeps until a record that ends behind {@code told} is complete. Looks twice before it sleeps long, as {@link RingBufferReader}
     * does and for its reason.
     */
    private void sleepBehind(long told) {
        int doorbell = region.getAcquire(RingLayout.DOORBELL);
        region.setLongVolatile(RingLayout.WAKE_AT, told);
        if (!over && completeFrom(told) <= told) {
            Futex.Wait ended = Futex.await(region.memory(), RingLayout.DOORBELL, doorbell, SETTLING_NANOS);
            if (ended == Futex.Wait.TIMED_OUT && completeFrom(told) <= told) {
                Futex.await(region.memory(), RingLayout.DOORBELL, doorbell);
            }
        }
        region.setLongVolatile(RingLayout.WAKE_AT, MapConstants.RING_AWAKE);
    }

    private long consumed() {
        return region.getLongAcquire(MapConstants.RING_CONSUMER_OFFSET);
    }

    @Override
    public void close() {
        if (over) {
            return;
        }
        over = true;
        reader.wake(); // before it sleeps it reads the doorbell, then `over`
        Threads.join(watcher);
        reader.endWatch();
        event.close();
    }
}

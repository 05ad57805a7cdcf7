package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RingLayout;
import java.time.Duration;
import java.util.List;

/**
 * A ring buffer with many producers in targets and one reader, {@link RingBufferReader}. Targets map the data twice, one
 * behind the other, so that records never wrap.
 */
public final class RingBuffer extends RegionMap {
    private final RingBufferReader reader;

    private RingBuffer(MapSpec spec) {
        super(spec, MapRegion.create(spec, MapConstants.RING_DATA_OFFSET + (long) spec.maxEntries()));
        region.set(RingLayout.ABI, MapConstants.ABI);
        region.set(RingLayout.TYPE, spec.type().number());
        region.setLong(RingLayout.DATA_SIZE, spec.maxEntries());
        region.setLong(RingLayout.WAKE_AT, MapConstants.RING_AWAKE);
        region.populate();
        this.reader = new RingBufferReader(spec, region);
    }

    static RingBuffer create(MapSpec spec) {
        return new RingBuffer(spec);
    }

    @Override
    public List<Piece> pieces() {
        return pieces(region, spec.maxEntries());
    }

    /** With {@code data} bytes of data, which come twice. */
    static List<Piece> pieces(MapRegion region, long data) {
        return List.of(
                new Piece(0, region.size(), 0, MapSpec.Access.READ_WRITE),
                new Piece(MapConstants.RING_DATA_OFFSET, data, region.size(), MapSpec.Access.READ_WRITE));
    }

    @Override
    public long regionSize() {
        return region.size() + spec.maxEntries();
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + MapConstants.RING_DATA_OFFSET;
    }

    /** The records lost so far, by cause. */
    public RingLosses losses() {
        return new RingLosses(
                region.getLongAcquire(RingLayout.LOST_FULL),
                region.getLongAcquire(RingLayout.LOST_BUSY),
                region.getLongAcquire(RingLayout.LOST_REENTERED),
                region.getLongAcquire(RingLayout.LOST_DEAD));
    }

    /** The one reader. It must not be used after this map is closed. */
    public RingBufferReader reader() {
        return reader;
    }

    /** Copies of the records, of which each is waited for at most {@code limit}. */
    public RingRecords records(Duration limit) {
        return new RingRecords(reader, limit);
    }

    /** The records for subscribers that say how many they want. The receiver closes it before this map. */
    public RingPublisher publisher() {
        return new RingPublisher(reader);
    }

    /**
     * A descriptor that becomes readable when there are records. The receiver closes it before this map.
     *
     * @throws IllegalStateException when there is one
     */
    public RingEventFd openEventFd() {
        return new RingEventFd(this);
    }

    /** {@link RingBufferReader#drain}. */
    public int drain(RingBufferReader.Consumer consumer, int limit) {
        return reader.drain(consumer, limit);
    }

    /** {@link RingBufferReader#await}. */
    public boolean await(Duration timeout) {
        return reader.await(timeout);
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        if (!LockWord.isHeldBy(region, RingLayout.LOCK, deadTgid)) {
            return 0;
        }
        LockWord.release(region, RingLayout.LOCK);
        return 1;
    }
}

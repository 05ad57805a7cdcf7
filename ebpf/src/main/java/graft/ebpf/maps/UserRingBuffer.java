package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.layout.UserRingLayout;
import graft.platform.linux.Futex;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A ring buffer in the other direction: whoever has the session puts samples in, and programs take them out with
 * {@code bpf_user_ringbuf_drain}. Pages, positions and headers are the kernel's. Any thread may produce.
 */
public final class UserRingBuffer extends RegionMap {
    private final ReentrantLock producing = new ReentrantLock();
    private final long size;

    /** Where the next sample goes; guarded by {@link #producing}. Targets can write to the place that tells them. */
    private long produced;

    private UserRingBuffer(MapSpec spec) {
        super(spec, MapRegion.create(spec, MapConstants.RING_DATA_OFFSET + (long) spec.maxEntries()));
        this.size = spec.maxEntries();
        region.set(UserRingLayout.ABI, MapConstants.ABI);
        region.set(UserRingLayout.TYPE, spec.type().number());
        region.setLong(UserRingLayout.DATA_SIZE, size);
    }

    static UserRingBuffer create(MapSpec spec) {
        return new UserRingBuffer(spec);
    }

    @Override
    public List<Piece> pieces() {
        return RingBuffer.pieces(region, size);
    }

    @Override
    public long regionSize() {
        return region.size() + size;
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + MapConstants.RING_DATA_OFFSET;
    }

    /** Room for a sample, which programs wait at until it is submitted or discarded. */
    public final class Sample {
        private final long position;
        private final int bytes;

        private Sample(long position, int bytes) {
            this.position = position;
            this.bytes = bytes;
        }

        /** Bytes that were asked for. */
        public int size() {
            return bytes;
        }

        /** Copies {@code from} to offset {@code at} of the sample. */
        public void put(int at, byte[] from) {
            java.util.Objects.checkFromIndexSize(at, from.length, bytes);
            long start = position + RecordLayout.SIZE + at & size - 1;
            int first = (int) Math.min(from.length, size - start);
            copy(from, 0, start, first);
            copy(from, first, 0, from.length - first);
        }

        private void copy(byte[] from, int offset, long to, int length) {
            MemorySegment memory = region.memory();
            MemorySegment.copy(from, offset, memory, ValueLayout.JAVA_BYTE, MapConstants.RING_DATA_OFFSET + to, length);
        }

        /** Gives it to programs. */
        public void submit() {
            finish(0);
        }

        /** Programs pass over it. */
        public void discard() {
            finish(MapConstants.RECORD_DISCARD);
        }

        private void finish(int mark) {
            region.setRelease(header(position) + RecordLayout.LENGTH, bytes | mark);
        }
    }

    private long header(long position) {
        return MapConstants.RING_DATA_OFFSET + (position & size - 1);
    }

    private static long room(int bytes) {
        return (long) bytes + RecordLayout.SIZE + 7 & -8;
    }

    /**
     * Makes room for a sample behind the others.
     *
     * @return nothing when programs have not taken enough yet
     * @throws IllegalArgumentException when the ring never has so much room
     */
    public Optional<Sample> reserve(int bytes) {
        if (bytes < 0 || room(bytes) > size) {
            throw new IllegalArgumentException("a sample of %d bytes in a ring of %d".formatted(bytes, size));
        }
        producing.lock();
        try {
            long consumed = region.getLongAcquire(MapConstants.RING_CONSUMER_OFFSET);
            if (room(bytes) > size - (produced - consumed)) {
                return Optional.empty();
            }
            region.set(header(produced) + RecordLayout.LENGTH, bytes | MapConstants.RECORD_BUSY);
            region.set(header(produced) + RecordLayout.OWNER, 0);
            Sample sample = new Sample(produced, bytes);
            produced += room(bytes);
            region.setLongRelease(MapConstants.RING_PRODUCER_OFFSET, produced);
            return Optional.of(sample);
        } finally {
            producing.unlock();
        }
    }

    /** The same, but waits for programs to make room; nothing when they have not in time. */
    public Optional<Sample> reserve(int bytes, Duration timeout) {
        long end = System.nanoTime() + timeout.toNanos();
        while (true) {
            int rung = region.getAcquire(UserRingLayout.DOORBELL);
            region.getAndAdd(UserRingLayout.WAITING, 1); // comes before the look at the consumer's position
            Optional<Sample> sample = reserve(bytes);
            long left = end - System.nanoTime();
            if (sample.isPresent() || left <= 0) {
                return sample;
            }
            Futex.await(region.memory(), UserRingLayout.DOORBELL, rung, left);
        }
    }

    /** Bytes that programs have not taken yet, headers included. */
    public long pending() {
        return region.getLongAcquire(MapConstants.RING_PRODUCER_OFFSET)
                - region.getLongAcquire(MapConstants.RING_CONSUMER_OFFSET);
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        if (!LockWord.isHeldBy(region, UserRingLayout.LOCK, deadTgid)) {
            return 0;
        }
        LockWord.release(region, UserRingLayout.LOCK);
        return 1;
    }
}

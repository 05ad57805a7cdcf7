package graft.ebpf.maps;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * A ring's records one after another, each a copy that is the caller's. {@link #hasNext} waits for one, for a limited time, and takes
 * it out of the ring; after a no it may be asked again. In place of {@link RingBufferReader#drain} and {@link
 * RingBufferReader#await}, by one thread.
 */
public final class RingRecords implements Iterator<byte[]> {
    private final RingBufferReader reader;
    private final Duration limit;
    private Optional<byte[]> next = Optional.empty();

    RingRecords(RingBufferReader reader, Duration limit) {
        this.reader = reader;
        this.limit = limit;
    }

    /** Whether there is one, or comes within the limit. */
    @Override
    public boolean hasNext() {
        long deadline = System.nanoTime() + limit.toNanos();
        boolean waits = true;
        while (next.isEmpty() && waits) {
            if (reader.drain(record -> next = Optional.of(record.toArray(ValueLayout.JAVA_BYTE)), 1) == 0) {
                waits = reader.await(Duration.ofNanos(deadline - System.nanoTime()));
            }
        }
        return next.isPresent();
    }

    @Override
    public byte[] next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no record within " + limit);
        }
        byte[] record = next.get();
        next = Optional.empty();
        return record;
    }
}

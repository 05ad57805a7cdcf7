package graft.cli.tls;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads records as a tool does that stores them, without keeping them: every field is looked at and every captured byte
 * copied out of the shared memory. Allocates nothing for a record. One thread.
 */
public final class TlsTally {
    private final byte[] copy = new byte[TlsEvent.LARGEST_CAPTURE];
    private final long[] events = new long[TlsEvent.Direction.values().length];
    private final long[] bytes = new long[TlsEvent.Direction.values().length];
    private long cut;
    private long strange;

    public TlsTally() {}

    /**
     * What was read.
     *
     * @param reads events of data that the peers sent
     * @param readBytes their captured bytes
     * @param writes events of data that the processes sent
     * @param writtenBytes their captured bytes
     * @param cut events whose data was not captured whole
     */
    public record Totals(long reads, long readBytes, long writes, long writtenBytes, long cut) {
        /** Nothing. */
        public static final Totals NONE = new Totals(0, 0, 0, 0, 0);

        /** Events of both directions. */
        public long events() {
            return reads + writes;
        }
    }

    /** Takes one record of the ring buffer. */
    public void add(MemorySegment record) {
        if (!TlsEvent.isWellFormed(record)) {
            strange++;
            return;
        }
        int direction = record.get(TlsEvent.INT, TlsEvent.DIRECTION);
        int captured = record.get(TlsEvent.INT, TlsEvent.CAPTURED);
        MemorySegment.copy(record, ValueLayout.JAVA_BYTE, TlsEvent.HEADER, copy, 0, captured);
        events[direction]++;
        bytes[direction] += captured;
        if (captured != record.get(TlsEvent.INT, TlsEvent.LENGTH)) {
            cut++;
        }
    }

    /** Events so far. */
    public long events() {
        return events[0] + events[1];
    }

    /**
     * What was read since the tally was made.
     *
     * @throws IllegalStateException when a record was none of these events
     */
    public Totals totals() {
        if (strange > 0) {
            throw new IllegalStateException(strange + " records are no TLS events");
        }
        int read = TlsEvent.Direction.READ.ordinal();
        int write = TlsEvent.Direction.WRITE.ordinal();
        return new Totals(events[read], bytes[read], events[write], bytes[write], cut);
    }
}

package graft.cli.tls;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads records as a tool does that looks for something: in place, in shared memory, every header and the beginning of
 * the data; or as a tool that stores them, which copies every captured byte. Allocates nothing for a record. One thread.
 */
public final class TlsTally {
    private final byte[] copy = new byte[TlsEvent.LARGEST_CAPTURE];
    private final long[] events = new long[TlsEvent.Direction.values().length];
    private final long[] bytes = new long[TlsEvent.Direction.values().length];
    private final Depth depth;
    private long cut;
    private long strange;
    private long texts;

    public TlsTally(Depth depth) {
        this.depth = depth;
    }

    /** How much of a record is read. */
    public enum Depth {
        /** The header and the first bytes of the data. */
        LOOK,
        /** The header and all captured data, copied out of the ring. */
        COPY
    }

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
        switch (depth) {
            case LOOK -> look(record, captured);
            case COPY -> MemorySegment.copy(record, ValueLayout.JAVA_BYTE, TlsEvent.HEADER, copy, 0, captured);
        }
        events[direction]++;
        bytes[direction] += captured;
        if (captured != record.get(TlsEvent.INT, TlsEvent.LENGTH)) {
            cut++;
        }
    }

    private void look(MemorySegment record, int captured) {
        if (captured > 0 && record.get(ValueLayout.JAVA_BYTE, TlsEvent.HEADER) >= ' ') {
            texts++;
        }
    }

    /** Records whose data begins with a printable character, when they were looked at. */
    public long texts() {
        return texts;
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

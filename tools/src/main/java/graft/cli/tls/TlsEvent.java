package graft.cli.tls;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * One finished read or write of a connection ({@code tls.h}).
 *
 * @param timeNs on the monotonic clock
 * @param ssl address of the connection's object: tells connections apart
 * @param length bytes that the call moved
 * @param data what was captured of them; shorter than {@code length} when cut or unreadable. Not to be changed.
 */
public record TlsEvent(Direction direction, int pid, int tid, long timeNs, long ssl, int length, byte[] data) {
    static final int DIRECTION = 4;
    static final int LENGTH = 32;
    static final int CAPTURED = 36;
    static final int HEADER = 40;
    static final int LARGEST_CAPTURE = 16384;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final int TLS_DATA = 1;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Who sent the data. */
    public enum Direction {
        /** The peer. */
        READ("←", "SSL_read"),
        /** The process. */
        WRITE("→", "SSL_write");

        private final String arrow;
        private final String function;

        Direction(String arrow, String function) {
            this.arrow = arrow;
            this.function = function;
        }

        String arrow() {
            return arrow;
        }

        String function() {
            return function;
        }

        /** As in JSON. */
        public String word() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** Reads a record of the ring buffer; empty when it is none of these events. Copies what it needs. */
    public static Optional<TlsEvent> decode(MemorySegment bytes) {
        if (!isWellFormed(bytes)) {
            return Optional.empty();
        }
        return Optional.of(new TlsEvent(
                Direction.values()[bytes.get(INT, DIRECTION)],
                bytes.get(INT, 8),
                bytes.get(INT, 12),
                bytes.get(LONG, 16),
                bytes.get(LONG, 24),
                bytes.get(INT, LENGTH),
                bytes.asSlice(HEADER, bytes.get(INT, CAPTURED)).toArray(ValueLayout.JAVA_BYTE)));
    }

    /** Whether a record is one of these events. */
    static boolean isWellFormed(MemorySegment bytes) {
        if (bytes.byteSize() < HEADER || bytes.get(INT, 0) != TLS_DATA) {
            return false;
        }
        int direction = bytes.get(INT, DIRECTION);
        int captured = bytes.get(INT, CAPTURED);
        return direction >= 0
                && direction <= 1
                && captured >= 0
                && captured <= Math.min(LARGEST_CAPTURE, bytes.byteSize() - HEADER);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TlsEvent event
                && direction == event.direction
                && pid == event.pid
                && tid == event.tid
                && timeNs == event.timeNs
                && ssl == event.ssl
                && length == event.length
                && Arrays.equals(data, event.data);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(timeNs) ^ tid ^ Arrays.hashCode(data);
    }
}

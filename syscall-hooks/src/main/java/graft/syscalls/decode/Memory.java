package graft.syscalls.decode;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Memory of a traced process that an argument leads to, as it was at the call.
 *
 * @param bytes what was copied; borrowed for as long as the call is looked at
 * @param length bytes that there are; more than were copied when it was cut
 */
public record Memory(MemorySegment bytes, long length) {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Which memory of a call: of an argument, or of what its elements point to, counted from 1. */
    public record Place(int argument, int index) {
        /** {@link #index} of how many texts there are: only the length counts. */
        public static final int COUNT = 251;

        /** {@link #index} of a message. */
        public static final int MESSAGE = 252;

        /** {@link #index} of a message's address. */
        public static final int NAME = 253;
    }

    /** How many bytes were copied. */
    public int size() {
        return (int) bytes.byteSize();
    }

    /** Whether the memory goes on behind what was copied. */
    public boolean isCut() {
        return length < 0 || length > bytes.byteSize();
    }

    /** An unsigned or signed integer of 1, 2, 4 or 8 bytes; those of 4 with their sign. */
    public long number(int offset, int width) {
        return switch (width) {
            case 1 -> bytes.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
            case 2 -> bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset) & 0xffff;
            case 4 -> bytes.get(INT, offset);
            case 8 -> bytes.get(LONG, offset);
            default -> throw new IllegalArgumentException("no integer has " + width + " bytes");
        };
    }

    /** Some of the bytes. */
    Memory part(int offset, int size) {
        return new Memory(bytes.asSlice(offset, size), size);
    }

    byte[] array() {
        return bytes.toArray(ValueLayout.JAVA_BYTE);
    }

    /** The bytes up to the first zero. */
    String text() {
        byte[] all = array();
        int end = 0;
        while (end < all.length && all[end] != 0) {
            end++;
        }
        return new String(all, 0, end, StandardCharsets.UTF_8);
    }
}

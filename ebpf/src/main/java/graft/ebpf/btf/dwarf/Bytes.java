package graft.ebpf.btf.dwarf;

import graft.ebpf.btf.BtfFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** One debug section, and a place in it. */
final class Bytes {
    private static final int MAX_TEXT = 1 << 16;

    private final String section;
    private final ByteBuffer buffer;

    Bytes(String section, byte[] content) {
        this.section = section;
        this.buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    }

    private Bytes(String section, ByteBuffer buffer) {
        this.section = section;
        this.buffer = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The same bytes with a place of their own. */
    Bytes at(long place) {
        Bytes other = new Bytes(section, buffer);
        other.go(place);
        return other;
    }

    int size() {
        return buffer.limit();
    }

    int place() {
        return buffer.position();
    }

    boolean hasMore() {
        return buffer.hasRemaining();
    }

    void go(long place) {
        if (place < 0 || place > buffer.limit()) {
            throw bad(place);
        }
        buffer.position((int) place);
    }

    void skip(long count) {
        go(count < 0 ? -1 : buffer.position() + count);
    }

    /** A number of 1 to 8 bytes. */
    long unsigned(int size) {
        need(size);
        long value = 0;
        for (int i = 0; i < size; i++) {
            value |= (buffer.get() & 0xffL) << 8 * i;
        }
        return value;
    }

    /** LEB128. */
    long uleb() {
        long value = 0;
        int shift = 0;
        byte part;
        do {
            need(1);
            part = buffer.get();
            value |= shift < 64 ? (part & 0x7fL) << shift : 0;
            shift += 7;
        } while (part < 0);
        return value;
    }

    /** Signed LEB128. */
    long sleb() {
        long value = 0;
        int shift = 0;
        byte part;
        do {
            need(1);
            part = buffer.get();
            value |= shift < 64 ? (part & 0x7fL) << shift : 0;
            shift += 7;
        } while (part < 0);
        return shift < 64 && (part & 0x40) != 0 ? value | -1L << shift : value;
    }

    void skipText() {
        buffer.position(endOfText() + 1);
    }

    private int endOfText() {
        int end = buffer.position();
        while (end < buffer.limit() && buffer.get(end) != 0) {
            end++;
        }
        if (end == buffer.limit() || end - buffer.position() > MAX_TEXT) {
            throw bad(end);
        }
        return end;
    }

    /** A text that ends with a zero; the place is behind it. */
    String text() {
        byte[] text = new byte[endOfText() - buffer.position()];
        buffer.get(text);
        buffer.get();
        return new String(text, StandardCharsets.UTF_8);
    }

    private void need(int count) {
        if (buffer.remaining() < count) {
            throw bad(buffer.position() + (long) count);
        }
    }

    private BtfFormatException bad(long place) {
        return new BtfFormatException("%s: 0x%x of 0x%x bytes".formatted(section, place, buffer.limit()));
    }
}

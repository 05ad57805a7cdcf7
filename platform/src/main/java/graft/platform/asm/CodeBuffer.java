package graft.platform.asm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Growing machine code that will run at a known address. Little-endian. A buffer is finished once; a label that is
 * used and never bound makes {@link #finish()} fail. Confined to one thread.
 */
public final class CodeBuffer {
    private static final int INITIAL_CAPACITY = 1024;

    private final long address;

    /** What was used before it was bound. */
    private final List<Label> awaited = new ArrayList<>();

    private byte[] bytes = new byte[INITIAL_CAPACITY];
    private int size;

    /** @param address where the first byte will be in the process that runs the code */
    public CodeBuffer(long address) {
        this.address = address;
    }

    /** Where the first byte will run. */
    public long address() {
        return address;
    }

    /** Bytes written so far; also the offset of the next byte. */
    public int position() {
        return size;
    }

    /** The address of the next byte. */
    public long here() {
        return address + size;
    }

    /** Appends the low byte of {@code value}. */
    public void put8(int value) {
        room(1);
        bytes[size++] = (byte) value;
    }

    /** Appends the low 16 bits of {@code value}. */
    public void put16(int value) {
        put8(value);
        put8(value >> 8);
    }

    /** Appends 32 bits. */
    public void put32(int value) {
        room(4);
        bytes[size] = (byte) value;
        bytes[size + 1] = (byte) (value >> 8);
        bytes[size + 2] = (byte) (value >> 16);
        bytes[size + 3] = (byte) (value >> 24);
        size += 4;
    }

    /** Appends 64 bits. */
    public void put64(long value) {
        put32((int) value);
        put32((int) (value >> 32));
    }

    /** Appends all of {@code code} unchanged. */
    public void put(byte[] code) {
        room(code.length);
        System.arraycopy(code, 0, bytes, size, code.length);
        size += code.length;
    }

    /** Makes {@code label} mean the next byte and fills in everything that waits for it. */
    public void bind(Label label) {
        label.bind(size, this);
    }

    /**
     * Appends a distance field of 1 or 4 bytes that leads to {@code label}.
     *
     * @param trailing bytes of the instruction that follow the field; distances count from the end of the instruction
     */
    public void putDistance(Label label, int fieldBytes, int trailing) {
        Label.Site site = new Label.Site(size, fieldBytes, size + fieldBytes + trailing);
        if (fieldBytes == 1) {
            put8(0);
        } else {
            put32(0);
        }
        if (label.use(site, this) == Label.Use.FIRST_WAITING) {
            awaited.add(label);
        }
    }

    /**
     * Appends a 4-byte distance to an absolute address.
     *
     * @param trailing bytes of the instruction that follow the field
     * @throws CodeRangeException when the address is more than 2 GiB away
     */
    public void putDistance(long target, int trailing) {
        long distance = target - (here() + 4 + trailing);
        if (distance != (int) distance) {
            throw new CodeRangeException(
                    "0x%x cannot be reached from 0x%x: the distance needs more than 32 bits".formatted(target, here()));
        }
        put32((int) distance);
    }

    /**
     * The code.
     *
     * @throws IllegalStateException when a used label was never bound
     */
    public byte[] finish() {
        for (Label label : awaited) {
            if (!label.isBound()) {
                throw new IllegalStateException("labels used and never bound: "
                        + awaited.stream().filter(one -> !one.isBound()).toList());
            }
        }
        return Arrays.copyOf(bytes, size);
    }

    void patch(Label.Site site, int target) {
        int distance = target - site.origin();
        if (site.fieldBytes() == 1 && distance != (byte) distance) {
            throw new CodeRangeException("a short jump at +%d cannot reach +%d".formatted(site.field(), target));
        }
        for (int i = 0; i < site.fieldBytes(); i++) {
            bytes[site.field() + i] = (byte) (distance >> (8 * i));
        }
    }

    private void room(int more) {
        if (size + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
        }
    }
}

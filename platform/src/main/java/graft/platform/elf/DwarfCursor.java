package graft.platform.elf;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * Reads a section of exception-handling data at the addresses that it will be loaded at. Encodings are those of the
 * Linux Standard Base, core part, "Exception Frames".
 */
final class DwarfCursor {
    /** {@code DW_EH_PE_omit}: no value is there. */
    static final int OMIT = 0xff;

    private static final int ABSOLUTE = 0x00;
    private static final int PC_RELATIVE = 0x10;
    private static final int INDIRECT = 0x80;

    private final ElfFile file;
    private final ElfSection section;
    private final ByteBuffer bytes;

    DwarfCursor(ElfFile file, ElfSection section) {
        this.file = file;
        this.section = section;
        this.bytes = file.buffer(section);
    }

    /** The address of the next byte. */
    long address() {
        return section.address().value() + bytes.position();
    }

    boolean holds(long address) {
        long offset = address - section.address().value();
        return offset >= 0 && offset < bytes.limit();
    }

    /** Goes on at {@code address}, which may be right behind the last byte. */
    void seek(long address) {
        long offset = address - section.address().value();
        if (offset < 0 || offset > bytes.limit()) {
            throw file.bad(section, "address 0x%x is outside".formatted(address));
        }
        bytes.position((int) offset);
    }

    long left() {
        return bytes.remaining();
    }

    int u8() {
        return (int) unsigned(1);
    }

    long u32() {
        return unsigned(4);
    }

    long u64() {
        return unsigned(8);
    }

    private long unsigned(int size) {
        try {
            return switch (size) {
                case 1 -> bytes.get() & 0xffL;
                case 2 -> bytes.getShort() & 0xffffL;
                case 4 -> bytes.getInt() & 0xffffffffL;
                default -> bytes.getLong();
            };
        } catch (BufferUnderflowException _) {
            throw file.bad(section, "it ends inside a value");
        }
    }

    long uleb() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            long piece = u8();
            value |= (piece & 0x7f) << shift;
            if (piece < 0x80) {
                return value;
            }
        }
        throw file.bad(section, "a number has more than ten bytes");
    }

    long sleb() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; ) {
            long piece = u8();
            value |= (piece & 0x7f) << shift;
            shift += 7;
            if (piece < 0x80) {
                return shift < Long.SIZE && (piece & 0x40) != 0 ? value | -1L << shift : value;
            }
        }
        throw file.bad(section, "a number has more than ten bytes");
    }

    /** A text that ends with a zero byte. */
    String text() {
        StringBuilder text = new StringBuilder();
        for (int next = u8(); next != 0; next = u8()) {
            text.append((char) next);
        }
        return text.toString();
    }

    /** A value in the low four bits' form of {@code encoding}; its base is not added. */
    long value(int encoding) {
        return switch (encoding & 0x0f) {
            case 0x00, 0x04, 0x0c -> u64();
            case 0x01 -> uleb();
            case 0x02 -> unsigned(2);
            case 0x03 -> u32();
            case 0x09 -> sleb();
            case 0x0a -> (short) unsigned(2);
            case 0x0b -> (int) u32();
            default -> throw file.bad(section, "unknown encoding 0x%x".formatted(encoding));
        };
    }

    /** An address; 0 when there is none. */
    long pointer(int encoding) {
        long at = address();
        long value = value(encoding);
        if (value == 0) {
            return 0;
        }
        return switch (encoding & 0x70) {
            case ABSOLUTE -> value;
            case PC_RELATIVE -> at + value;
            default -> throw file.bad(section, "unknown encoding 0x%x".formatted(encoding));
        };
    }

    /** Passes over an address that is not needed. */
    void skipPointer(int encoding) {
        if (encoding != OMIT) {
            value(encoding & ~INDIRECT);
        }
    }
}

package graft.platform.elf;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Zero-terminated strings by offset. Strings may share their tails; a crafted table could make every entry share one
 * huge tail, so the sum of all decoded strings is limited to a few times the table's size.
 */
final class StringTable {
    private static final long SHARING = 8;

    private final String file;
    private final long position;
    private final byte[] bytes;
    private final Map<Integer, String> decoded = new HashMap<>();
    private long budget;

    StringTable(String file, long position, ByteBuffer content) {
        this.file = file;
        this.position = position;
        this.bytes = content.array();
        this.budget = SHARING * bytes.length + 65_536;
    }

    String at(long offset) {
        if (offset == 0 && bytes.length == 0) {
            return "";
        }
        if (offset < 0 || offset >= bytes.length) {
            throw new ElfFormatException(
                    file, position, "string at %d of a table of %d bytes".formatted(offset, bytes.length));
        }
        String known = decoded.get((int) offset);
        if (known != null) {
            return known;
        }
        int end = (int) offset;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        if (end == bytes.length) {
            throw new ElfFormatException(file, position + offset, "string without an end");
        }
        budget -= end - offset;
        if (budget < 0) {
            throw new ElfFormatException(file, position, "strings overlap too much to be genuine");
        }
        String text = new String(bytes, (int) offset, end - (int) offset, StandardCharsets.UTF_8);
        decoded.put((int) offset, text);
        return text;
    }
}

package graft.syscalls.decode;

/** Bytes between quotation marks, as C would write them: what is not printable in octal digits, as few as possible. */
final class QuotedText {
    private QuotedText() {}

    static String of(byte[] bytes, int length) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < length; i++) {
            boolean beforeDigit = i + 1 < length && bytes[i + 1] >= '0' && bytes[i + 1] <= '9';
            append(out, bytes[i] & 0xff, beforeDigit ? "%03o" : "%o");
        }
        return out.append('"').toString();
    }

    private static void append(StringBuilder out, int c, String octal) {
        switch (c) {
            case '"' -> out.append("\\\"");
            case '\\' -> out.append("\\\\");
            case '\f' -> out.append("\\f");
            case '\n' -> out.append("\\n");
            case '\r' -> out.append("\\r");
            case '\t' -> out.append("\\t");
            case 0x0b -> out.append("\\v");
            default -> {
                if (c >= ' ' && c < 0x7f) {
                    out.append((char) c);
                } else {
                    out.append('\\').append(String.format(octal, c));
                }
            }
        }
    }

    /** All of a piece of memory; three dots behind what was cut. */
    static String of(Memory memory) {
        return of(memory.array(), memory.size()) + (memory.isCut() ? "..." : "");
    }

    /** Bytes that are no text. */
    static String hexadecimal(Memory memory) {
        StringBuilder out = new StringBuilder("\"");
        for (byte b : memory.array()) {
            out.append("\\x%02x".formatted(b & 0xff));
        }
        return out.append('"').append(memory.isCut() ? "..." : "").toString();
    }

    /** A text that ends with a zero byte; of one that was cut, a character more than is shown was copied. */
    static String terminated(Memory memory) {
        boolean isCut = memory.length() == -1;
        byte[] bytes = memory.array();
        boolean hasEnd = memory.size() > 0 && bytes[memory.size() - 1] == 0;
        int length = memory.size() - (hasEnd ? 1 : 0) - (isCut ? 1 : 0);
        return of(bytes, Math.max(length, 0)) + (isCut ? "..." : "");
    }
}

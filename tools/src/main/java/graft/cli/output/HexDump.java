package graft.cli.output;

import java.util.ArrayList;
import java.util.List;

/** Bytes as {@code hexdump -C} shows them. */
public final class HexDump {
    private static final int WIDTH = 16;

    private HexDump() {}

    /** One line for each sixteen bytes. */
    public static List<String> lines(byte[] bytes) {
        List<String> lines = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += WIDTH) {
            lines.add(line(bytes, at));
        }
        return List.copyOf(lines);
    }

    private static String line(byte[] bytes, int start) {
        StringBuilder hex = new StringBuilder();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < WIDTH; i++) {
            hex.append(i == WIDTH / 2 ? "  " : " ");
            if (start + i < bytes.length) {
                int value = bytes[start + i] & 0xff;
                hex.append("%02x".formatted(value));
                text.append(value >= ' ' && value < 0x7f ? (char) value : '.');
            } else {
                hex.append("  ");
            }
        }
        return "%08x %s  |%s|".formatted(start, hex, text);
    }
}

package graft.cli;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.cli.output.JsonWriter;
import java.io.PrintWriter;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;

/** Prints the records of {@code tls.h}. */
final class TlsPrinter {
    private static final int DATA_AT = 40;
    private static final int READ = 0;
    private static final int SHOWN = 400;
    private static final int ROW = 16;

    private final PrintWriter out;
    private final OutputFormat format;
    private final Data data;

    /** How data is shown to people. */
    enum Data {
        TEXT,
        HEX
    }

    TlsPrinter(PrintWriter out, OutputFormat format, Data data) {
        this.out = out;
        this.format = format;
        this.data = data;
    }

    /** Prints one record. */
    void print(MemorySegment record) {
        int captured = record.get(JAVA_INT, 36);
        byte[] bytes = record.asSlice(DATA_AT, captured).toArray(JAVA_BYTE);
        switch (format) {
            case text -> text(record, bytes);
            case json, jsonl -> json(record, bytes);
        }
    }

    private static boolean isRead(MemorySegment record) {
        return record.get(JAVA_INT, 4) == READ;
    }

    private void text(MemorySegment record, byte[] bytes) {
        int length = record.get(JAVA_INT, 32);
        out.printf(
                "pid %d  tid %d  %s  %,d bytes%s%n",
                record.get(JAVA_INT, 8),
                record.get(JAVA_INT, 12),
                isRead(record) ? "<- received" : "-> sent",
                length,
                length > bytes.length ? ", " + bytes.length + " captured" : "");
        switch (data) {
            case TEXT -> printable(bytes);
            case HEX -> dump(bytes);
        }
    }

    /** Lines of text as they are, everything else as dots. */
    private void printable(byte[] bytes) {
        StringBuilder line = new StringBuilder("   ");
        int end = Math.min(bytes.length, SHOWN);
        for (int i = 0; i < end; i++) {
            char c = (char) (bytes[i] & 0xff);
            if (c == '\n') {
                out.println(line);
                line.setLength(0);
                line.append("   ");
            } else if (c != '\r') {
                line.append(c >= ' ' && c < 0x7f || c == '\t' ? c : '.');
            }
        }
        if (!line.toString().isBlank()) {
            out.println(line);
        }
        if (bytes.length > SHOWN) {
            out.printf("   ... %,d bytes more%n", bytes.length - SHOWN);
        }
    }

    private void dump(byte[] bytes) {
        HexFormat hex = HexFormat.ofDelimiter(" ");
        for (int at = 0; at < bytes.length; at += ROW) {
            int end = Math.min(at + ROW, bytes.length);
            String text = new String(bytes, at, end - at, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", ".");
            out.printf("   %06x  %-47s  %s%n", at, hex.formatHex(bytes, at, end), text);
        }
    }

    private void json(MemorySegment record, byte[] bytes) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "tls");
        json.member("direction", isRead(record) ? "received" : "sent");
        json.member("pid", record.get(JAVA_INT, 8)).member("tid", record.get(JAVA_INT, 12));
        json.member("time_mono_ns", record.get(JAVA_LONG, 16)).address("connection", record.get(JAVA_LONG, 24));
        json.member("length", record.get(JAVA_INT, 32)).member("captured", bytes.length);
        json.member("data_base64", Base64.getEncoder().encodeToString(bytes));
        out.println(json.endObject());
    }
}

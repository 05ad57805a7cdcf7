package graft.cli.tls;

import graft.cli.output.HexDump;
import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.WallClock;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Events as lines of output. */
public final class TlsPrinter {
    private static final int LONGEST_FIRST_LINE = 120;

    private final Style style;
    private final WallClock clock;

    public TlsPrinter(Style style, WallClock clock) {
        this.style = style;
        this.clock = clock;
    }

    /** How much of the data is shown, and how. */
    public enum Style {
        /** One line an event, with the first line of the data. */
        BRIEF,
        /** The same, then all of the data as text. */
        TEXT,
        /** The same, then all of the data as a hex dump. */
        HEX,
        /** JSON lines. */
        JSON
    }

    /** One event's lines. */
    public List<String> lines(TlsEvent event) {
        return switch (style) {
            case BRIEF -> List.of(brief(event));
            case TEXT -> withBody(event, text(event));
            case HEX -> withBody(event, HexDump.lines(event.data()));
            case JSON -> List.of(json(event));
        };
    }

    private List<String> withBody(TlsEvent event, List<String> body) {
        List<String> lines = new ArrayList<>();
        lines.add(style == Style.TEXT && !body.isEmpty() ? head(event) : brief(event));
        body.forEach(line -> lines.add("    " + line));
        return lines;
    }

    private String brief(TlsEvent event) {
        return head(event) + "  " + firstLine(event);
    }

    private String head(TlsEvent event) {
        return "%s %d %d %s %s %s%s"
                .formatted(
                        clock.time(event.timeNs()),
                        event.pid(),
                        event.tid(),
                        event.direction().arrow(),
                        event.direction().function(),
                        Quantity.bytes(event.length()),
                        event.data().length < event.length()
                                ? " (%s captured)".formatted(Quantity.bytes(event.data().length))
                                : "");
    }

    /** Quoted when it is text, else what it is. */
    private static String firstLine(TlsEvent event) {
        byte[] data = event.data();
        int end = 0;
        while (end < data.length && data[end] != '\n' && data[end] != '\r') {
            end++;
        }
        Optional<String> line = readable(data, 0, Math.min(end, LONGEST_FIRST_LINE));
        if (line.isEmpty()) {
            return "(binary)";
        }
        return '"' + line.get() + '"' + (end > LONGEST_FIRST_LINE ? "…" : "");
    }

    private static List<String> text(TlsEvent event) {
        return readable(event.data(), 0, event.data().length)
                .map(text -> text.lines().toList())
                .orElse(List.of());
    }

    /** The bytes as text when they are: UTF-8 (its last character may be cut) without control characters. */
    private static Optional<String> readable(byte[] data, int from, int length) {
        for (int cut = 0; cut == 0 || cut < Math.min(4, length); cut++) {
            Optional<String> text = utf8(data, from, length - cut);
            if (text.isPresent()) {
                return text.filter(value ->
                        value.chars().allMatch(c -> c >= ' ' && c != 0x7f || c == '\n' || c == '\r' || c == '\t'));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> utf8(byte[] data, int from, int length) {
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(data, from, length))
                    .toString());
        } catch (CharacterCodingException e) {
            return Optional.empty(); // not text: the caller shows it as bytes
        }
    }

    private String json(TlsEvent event) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "tls");
        json.member("time", clock.timestamp(event.timeNs())).id("monotonic_ns", event.timeNs());
        json.member("pid", event.pid()).member("tid", event.tid());
        json.member("direction", event.direction().word()).address("ssl", event.ssl());
        json.member("length", event.length()).member("captured", event.data().length);
        utf8(event.data(), 0, event.data().length)
                .ifPresentOrElse(
                        text -> json.member("data", text),
                        () -> json.member("data_base64", Base64.getEncoder().encodeToString(event.data())));
        return json.endObject().toString();
    }
}

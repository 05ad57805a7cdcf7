package graft.cli.tls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.output.WallClock;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class TlsPrinterTest {
    private static final WallClock CLOCK =
            new WallClock(Instant.parse("2026-01-31T14:03:07Z"), 1_000_000_000L, ZoneOffset.UTC);
    private static final TlsEvent REQUEST =
            event(TlsEvent.Direction.READ, 40, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    private static TlsEvent event(TlsEvent.Direction direction, int length, String data) {
        return event(direction, length, data.getBytes(StandardCharsets.UTF_8));
    }

    private static TlsEvent event(TlsEvent.Direction direction, int length, byte[] data) {
        return new TlsEvent(direction, 4711, 4712, 1_000_123_456L, 0x7f00_1000L, length, data);
    }

    private static TlsPrinter printer(TlsPrinter.Style style) {
        return new TlsPrinter(style, CLOCK);
    }

    @Test
    void briefIsOneLineWithTheFirstLineOfTheData() {
        assertThat(printer(TlsPrinter.Style.BRIEF).lines(event(TlsEvent.Direction.WRITE, 17, "Hello from nginx\n")))
                .containsExactly("14:03:07.000123 4711 4712 → SSL_write 17 B  \"Hello from nginx\"");
    }

    @Test
    void capturedLessThanMovedIsSaid() {
        assertThat(printer(TlsPrinter.Style.BRIEF).lines(REQUEST))
                .containsExactly("14:03:07.000123 4711 4712 ← SSL_read 40 B (35 B captured)  \"GET / HTTP/1.1\"");
    }

    @Test
    void textShowsEveryLine() {
        assertThat(printer(TlsPrinter.Style.TEXT).lines(REQUEST))
                .containsExactly(
                        "14:03:07.000123 4711 4712 ← SSL_read 40 B (35 B captured)",
                        "    GET / HTTP/1.1",
                        "    Host: localhost",
                        "    ");
    }

    @Test
    void bytesThatAreNoTextAreNotPrintedAsText() {
        TlsEvent binary = event(TlsEvent.Direction.WRITE, 3, new byte[] {1, (byte) 0xff, 27});
        assertThat(printer(TlsPrinter.Style.TEXT).lines(binary))
                .containsExactly("14:03:07.000123 4711 4712 → SSL_write 3 B  (binary)");
        assertThat(printer(TlsPrinter.Style.HEX).lines(binary))
                .containsExactly(
                        "14:03:07.000123 4711 4712 → SSL_write 3 B  (binary)",
                        "    00000000  01 ff 1b                                          |...|");
        assertThat(printer(TlsPrinter.Style.JSON).lines(binary).getFirst()).endsWith("\"data_base64\":\"Af8b\"}");
    }

    @Test
    void jsonIsOneObject() {
        assertThat(printer(TlsPrinter.Style.JSON).lines(event(TlsEvent.Direction.WRITE, 3, "a\"b")))
                .containsExactly(
                        "{\"type\":\"tls\",\"time\":\"2026-01-31T14:03:07.000123Z\",\"monotonic_ns\":1000123456,"
                                + "\"pid\":4711,\"tid\":4712,\"direction\":\"write\",\"ssl\":\"0x7f001000\",\"length\":3,"
                                + "\"captured\":3,\"data\":\"a\\\"b\"}");
    }

    @Test
    void aCharacterCutAtTheEndDoesNotMakeTextBinary() {
        byte[] cut = {'a', 'b', (byte) 0xc3};
        assertThat(printer(TlsPrinter.Style.BRIEF)
                        .lines(event(TlsEvent.Direction.READ, 4, cut))
                        .getFirst())
                .endsWith("\"ab\"");
    }
}

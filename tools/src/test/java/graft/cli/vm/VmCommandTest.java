package graft.cli.vm;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.Main;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class VmCommandTest {
    private static final String RETURNS_FIVE = "b7000000050000009500000000000000";
    private static final String LOADS_FIRST_BYTE = "71100000000000009500000000000000";
    private static final String RETURNS_LENGTH = "bf200000000000009500000000000000";
    private static final String LOADS_FROM_NULL = "b700000000000000 6100000000000000 9500000000000000";
    private static final String JUMPS_AWAY = "0500ff7f000000009500000000000000";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int graft(String input, String... args) {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.US_ASCII)));
            return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void execPrintsTheResultInHex() {
        assertThat(graft(LOADS_FIRST_BYTE, "vm", "exec", "2a 00")).isZero();
        assertThat(out.toString()).isEqualTo("2a\n");
    }

    @Test
    void batchAnswersEveryLineWithItsName() {
        String lines =
                "a - %s\nb 1122 %s\nc 2a %s\nd - xyz\n".formatted(RETURNS_FIVE, RETURNS_LENGTH, LOADS_FIRST_BYTE);
        assertThat(graft(lines, "vm", "exec", "--batch")).isZero();
        assertThat(out.toString()).isEqualTo("""
                a ok 5
                b ok 2
                c ok 2a
                d err not a whole number of bytes in hex digits
                """);
    }

    @Test
    void bothEnginesSurviveAProgramThatFaults() {
        String lines = "a - %s\nb - %s\nc - %s\n".formatted(LOADS_FROM_NULL.replace(" ", ""), JUMPS_AWAY, RETURNS_FIVE);
        graft(lines, "vm", "exec", "--batch");
        assertThat(out.toString()).isEqualTo("""
                a err bad address
                b err instruction 0: no jump can lead to slot 32768
                c ok 5
                """);
        out.getBuffer().setLength(0);
        graft(lines, "vm", "exec", "--batch", "--engine", "interp");
        assertThat(out.toString()).contains("a err access to 4 bytes at 0x0", "c ok 5");
    }

    @Test
    void verifyingFirstRefusesWhatReadsBeyondTheMemory() {
        String lines = "a 2a %s\nb - %s\n".formatted(LOADS_FIRST_BYTE, LOADS_FIRST_BYTE);
        graft(lines, "vm", "exec", "--batch", "--verify");
        assertThat(out.toString().lines()).first().isEqualTo("a ok 2a");
        assertThat(out.toString().lines().skip(1)).first().asString().startsWith("b err refused: insn 0: ");
    }

    @Test
    void disasmShowsInstructionsWithTheirSlots() {
        assertThat(graft(RETURNS_FIVE, "vm", "disasm")).isZero();
        assertThat(out.toString()).isEqualTo("   0: r0 = 5\n   1: exit\n");
    }

    @Test
    void asmPrintsTheBytesOfATextAndDisasmTheText() {
        assertThat(graft("start:\n  r0 = 5 // the result\n  exit\n", "vm", "asm"))
                .isZero();
        assertThat(out.toString()).isEqualTo(RETURNS_FIVE + "\n");
        String hex = out.toString();
        out.getBuffer().setLength(0);
        graft(hex, "vm", "disasm");
        String text = out.toString();
        out.getBuffer().setLength(0);
        graft(text, "vm", "asm");
        assertThat(out.toString()).isEqualTo(hex);
    }

    @Test
    void textThatIsNoAssemblyIsRefusedWithItsPlace() {
        assertThat(graft("r0 = 5\nr0 += r12\n", "vm", "asm")).isEqualTo(4);
        assertThat(err.toString()).isEqualTo("""
                GRAFT-V006 standard input:2:7
                  there is no register r12
                  try: r0 to r10, or w0 to w10
                """);
    }

    @Test
    void asmHasNoNumbersForNames() {
        assertThat(graft("r1 = map[counts]\nexit\n", "vm", "asm")).isEqualTo(4);
        assertThat(err.toString()).contains("standard input:1\n  the map counts has no number in bare bytes");
    }

    @Test
    void bytesThatAreNoProgramGiveACodedError() {
        assertThat(graft("ff00000000000000", "vm", "exec")).isEqualTo(4);
        assertThat(err.toString()).startsWith("GRAFT-V004");
    }

    @Test
    void traceShowsTheRegistersThatEachInstructionChanged() {
        assertThat(graft(LOADS_FIRST_BYTE, "vm", "exec", "--trace", "2a")).isZero();
        assertThat(err.toString()).startsWith("   0: r0 = *(u8 *)(r1 +0)").contains(" r0=2a r1=110000000000 r2=1");
        assertThat(out.toString()).isEqualTo("2a\n");
    }
}

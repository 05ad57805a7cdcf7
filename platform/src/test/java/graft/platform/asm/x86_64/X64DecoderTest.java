package graft.platform.asm.x86_64;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class X64DecoderTest {
    private static Decoding decode(String hex) {
        return X64Decoder.decode(HexFormat.of().parseHex(hex.replace(" ", "")), 0, new RemoteAddress(0x1000));
    }

    private static X64Insn insn(String hex) {
        return (X64Insn) decode(hex);
    }

    @ParameterizedTest
    @CsvSource({
        "55, PLAIN",
        "48 83 ec 20, PLAIN",
        "f3 0f 1e fa, ENDBR64",
        "0f 1f 44 00 00, NOP",
        "66 66 2e 0f 1f 84 00 00 00 00 00, NOP",
        "e8 00 00 00 00, CALL_REL",
        "e9 00 00 00 00, JMP_REL",
        "eb fe, JMP_REL",
        "0f 84 00 00 00 00, JCC_REL",
        "74 05, JCC_REL",
        "e3 05, JRCXZ_REL",
        "e2 05, LOOP_REL",
        "c3, RET",
        "f3 c3, RET",
        "c2 08 00, RET",
        "ff e0, JMP_INDIRECT",
        "3e ff e0, JMP_INDIRECT",
        "ff 15 00 00 00 00, CALL_INDIRECT",
        "0f 05, SYSCALL",
        "cc, INT3",
        "0f 0b, UNDEFINED",
        "f4, HLT",
        "c7 f8 00 00 00 00, XBEGIN_REL",
        "48 b8 00 00 00 00 00 00 00 00, PLAIN",
        "66 b8 00 00, PLAIN",
        "f7 c7 00 00 00 00, PLAIN",
        "f7 d0, PLAIN",
        "c5 f8 77, PLAIN",
        "62 f1 7c 48 10 07, PLAIN",
        "c4 e3 7d 39 c1 01, PLAIN",
        "a0 00 00 00 00 00 00 00 00, PLAIN",
        "66 66 48 e8 00 00 00 00, CALL_REL",
        "0f 38 f0 07, PLAIN",
        "66 0f 3a 0f c1 08, PLAIN",
    })
    void findsLengthAndKind(String hex, InsnKind kind) {
        assertThat(insn(hex).length()).isEqualTo(hex.replace(" ", "").length() / 2);
        assertThat(insn(hex).kind()).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({
        "06, UNKNOWN_OPCODE",
        "48, TRUNCATED",
        "48 8b, TRUNCATED",
        "e8 00 00, TRUNCATED",
        "d5 00 90, APX",
        "62 fc 7c 08 10 07, APX",
        "66 e9 00 00 00 00, VENDOR_DEPENDENT",
        "66 c5 f8 77, BAD_PREFIX",
        "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90, TOO_LONG",
        "ff f8, UNKNOWN_OPCODE",
    })
    void refusesWhatItDoesNotKnow(String hex, Decoding.Reason reason) {
        assertThat(decode(hex)).isEqualTo(new Decoding.Refused(reason));
    }

    @Test
    void locatesRipRelativeDisplacement() {
        X64Insn lea = insn("48 8d 05 10 00 00 00");
        assertThat(lea.isRipRelative()).isTrue();
        assertThat(lea.dispOffset()).isEqualTo(3);
        assertThat(lea.ripTarget()).contains(new RemoteAddress(0x1017));
    }

    @Test
    void countsTheImmediateAfterARipRelativeOperand() {
        X64Insn cmp = insn("83 3d 10 00 00 00 07");
        assertThat(cmp.immOffset()).isEqualTo(6);
        assertThat(cmp.ripTarget()).contains(new RemoteAddress(0x1017));
    }

    @Test
    void computesBranchTargetsFromTheEndOfTheInsn() {
        assertThat(insn("74 fe").branchTarget()).contains(new RemoteAddress(0x1000));
        assertThat(insn("e8 fb ff ff ff").branchTarget()).contains(new RemoteAddress(0x1000));
        assertThat(insn("90").branchTarget()).isEmpty();
    }

    @Test
    void ignoresRexThatIsNotTheLastPrefix() {
        assertThat(insn("48 66 b8 00 00").immSize()).isEqualTo(2);
    }
}

package graft.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The number of the last call of a line of code. */
class CallNumberTest {
    private static final RemoteAddress START = new RemoteAddress(0x1000);

    private static List<X64Insn> insns(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        List<X64Insn> insns = new ArrayList<>();
        int at = 0;
        while (at < code.length) {
            X64Insn insn = (X64Insn) X64Decoder.decode(code, at, START.plus(at));
            insns.add(insn);
            at += insn.length();
        }
        return insns;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "mov eax, b8 ca 00 00 00 0f 05, 202",
        "mov rax, 48 c7 c0 ca 00 00 00 0f 05, 202",
        "mov to memory first, b8 ca 00 00 00 c7 44 24 08 01 00 00 00 0f 05, 202",
        "xor and mov al, 31 c0 b0 ca 0f 05, 202",
        "xor ecx and mov edx, b8 ca 00 00 00 31 c9 ba 01 00 00 00 0f 05, 202",
        "by r8, 41 b8 ca 00 00 00 4c 89 c0 0f 05, 202",
        "by r8d and load form, 41 b8 ca 00 00 00 41 8b c0 0f 05, 202",
        "second try as in musl, 41 b8 ca 00 00 00 4c 89 c0 0f 05 48 83 f8 da 75 0a be 01 00 00 00 4c 89 c0 0f 05, 202",
    })
    void isKnown(String name, String code, int number) {
        List<X64Insn> insns = insns(code);
        assertThat(CallNumber.before(insns, insns.size() - 1, Set.of())).hasValue(number);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "nothing loads it, 89 f8 0f 05",
        "from memory, b8 ca 00 00 00 8b 07 0f 05",
        "part of it is written, b8 ca 00 00 00 88 cc 0f 05",
        "the copied register is written, 41 b8 ca 00 00 00 41 89 f8 4c 89 c0 0f 05",
        "a call of the kernel takes rcx, b9 ca 00 00 00 0f 05 89 c8 0f 05",
        "the result of a call, b8 ca 00 00 00 0f 05 0f 05",
        "a function is called between, 41 b8 ca 00 00 00 e8 00 00 00 00 4c 89 c0 0f 05",
        "a copy of 16 bits, 41 b8 ca 00 00 00 66 44 89 c0 0f 05",
        "two copies, b9 ca 00 00 00 89 ca 89 d0 0f 05",
    })
    void isNotKnown(String name, String code) {
        List<X64Insn> insns = insns(code);
        assertThat(CallNumber.before(insns, insns.size() - 1, Set.of())).isEmpty();
    }

    /** Whatever place behind the load something jumps to, the number may be another one there. */
    @ParameterizedTest(name = "{0}")
    @CsvSource({"b8 ca 00 00 00 31 c9 0f 05", "41 b8 ca 00 00 00 4c 89 c0 90 0f 05"})
    void isNotKnownWhereAnotherWayLeadsIn(String code) {
        List<X64Insn> insns = insns(code);
        assertThat(insns.getLast().kind()).isEqualTo(InsnKind.SYSCALL);
        assertThat(insns.stream().skip(1).map(X64Insn::address).collect(Collectors.toSet()))
                .allSatisfy(target -> assertThat(CallNumber.before(insns, insns.size() - 1, Set.of(target)))
                        .isEqualTo(OptionalInt.empty()));
        assertThat(CallNumber.before(insns, insns.size() - 1, Set.of(START))).hasValue(202);
    }
}

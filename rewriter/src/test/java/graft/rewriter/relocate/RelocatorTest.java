package graft.rewriter.relocate;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RelocatorTest {
    private static final long SITE = 0x401000;
    private static final long POOL = 0x500000;

    private static List<X64Insn> insns(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        List<X64Insn> insns = new ArrayList<>();
        for (int at = 0; at < code.length; at += insns.getLast().length()) {
            insns.add((X64Insn) X64Decoder.decode(code, at, new RemoteAddress(SITE + at)));
        }
        return insns;
    }

    private static String moved(String hex, long to) {
        X64Assembler out = new X64Assembler(to);
        return switch (new Relocator(out).relocate(insns(hex))) {
            case Relocation.Done done ->
                done.moved().isEmpty() ? "" : HexFormat.ofDelimiter(" ").formatHex(out.finish());
            case Relocation.Refused refused -> refused.reason();
        };
    }

    @ParameterizedTest
    @CsvSource({
        "55 48 89 e5, 55 48 89 e5",
        "c3, c3",
        // lea rax,[rip+0x10] -> 0x401017
        "48 8d 05 10 00 00 00, 48 8d 05 10 10 f0 ff",
        // cmp dword [rip+0x10],7 keeps its immediate
        "83 3d 10 00 00 00 07, 83 3d 10 10 f0 ff 07",
        // je +5 and je rel32 to the same place
        "74 05, 0f 84 01 10 f0 ff",
        "0f 84 05 00 00 00, 0f 84 05 10 f0 ff",
        "eb 05, e9 02 10 f0 ff",
        "e3 05, e3 02 eb 05 e9 fe 0f f0 ff",
        "e2 05, e2 02 eb 05 e9 fe 0f f0 ff",
    })
    void keepsWhatAnInsnRefersTo(String original, String expected) {
        assertThat(moved(original, POOL)).isEqualTo(expected);
    }

    @Test
    void pushesTheOriginalReturnAddressOfACall() {
        assertThat(moved("e8 00 01 00 00", POOL))
                .isEqualTo("48 8d 64 24 f8 c7 04 24 05 10 40 00 c7 44 24 04 00 00 00 00 e9 ec 10 f0 ff");
    }

    @Test
    void turnsAnIndirectCallIntoAPushAndAJump() {
        assertThat(moved("ff d0", POOL)).endsWith("ff e0");
        assertThat(moved("41 ff d3", POOL)).endsWith("41 ff e3");
    }

    @Test
    void readsTheTargetOfACallBeforeTheStackChanges() {
        assertThat(moved("ff 54 24 08", POOL))
                .isEqualTo("ff 74 24 08 ff 34 24 c7 44 24 08 04 10 40 00 c7 44 24 0c 00 00 00 00"
                        + " 48 8d 64 24 08 ff 64 24 f8");
    }

    @ParameterizedTest
    @CsvSource({
        "0f 05, a system call must stay where it is",
        "f3 0f 1e fa, an indirect jump may land",
        "e8 00 01 00 00 90, a call can only be the last",
        "cc, it traps",
        "0f 0b, it traps",
        "67 48 8b 05 00 00 00 00, its address is 32 bits wide",
        "ff d4, its target is the stack pointer",
        "66 ff 10, processors disagree",
        "90 74 fe, inside the displaced bytes",
        "c7 f8 00 00 00 00, a transaction",
    })
    void refusesWhatIsNotProvablyEqual(String original, String reason) {
        assertThat(moved(original, POOL)).contains(reason);
    }

    @Test
    void refusesAnOperandOutOfReach() {
        assertThat(moved("48 8d 05 10 00 00 00", SITE + (1L << 32))).contains("more than 2 GiB");
        assertThat(moved("74 05", SITE + (1L << 32))).contains("more than 2 GiB");
    }

    @Test
    void saysWhereEachInsnContinues() {
        Relocation.Done done = (Relocation.Done) new Relocator(new X64Assembler(POOL)).relocate(insns("55 74 05 90"));
        assertThat(done.moved()).extracting(moved -> moved.to().value()).containsExactly(POOL, POOL + 1, POOL + 7);
    }
}

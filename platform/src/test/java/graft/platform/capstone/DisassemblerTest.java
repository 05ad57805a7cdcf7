package graft.platform.capstone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import graft.platform.address.RemoteAddress;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class DisassemblerTest {
    private static final RemoteAddress ORIGIN = new RemoteAddress(0x1000);

    @Test
    void explainsKnownBytes() {
        assertThat(lines("f30f1efa 55 4889e5 488d0510000000 0f05 c3"))
                .containsExactly(
                        "0x1000: f3 0f 1e fa  endbr64",
                        "0x1004: 55  push rbp",
                        "0x1005: 48 89 e5  mov rbp, rsp",
                        "0x1008: 48 8d 05 10 00 00 00  lea rax, [rip + 0x10]",
                        "0x100f: 0f 05  syscall",
                        "0x1011: c3  ret");
    }

    @Test
    void showsTargetsOfBranchesRelativeToTheAddress() {
        assertThat(lines("e9f4f0ffff eb02"))
                .containsExactly("0x1000: e9 f4 f0 ff ff  jmp 0xf9", "0x1005: eb 02  jmp 0x1009");
    }

    @Test
    void showsUndecodableBytesAsDataAndGoesOn() {
        assertThat(lines("06 90")).containsExactly("0x1000: 06  .byte 0x06", "0x1001: 90  nop");
    }

    @Test
    void showsACutInsnAsData() {
        assertThat(lines("90 488d05"))
                .startsWith("0x1000: 90  nop")
                .element(1)
                .asString()
                .contains(".byte 0x48");
    }

    @Test
    void coversEveryByteOfUnknownInsnsOnce() {
        // kmovd eax, k0: refused by Capstone 4, decoded by 5
        List<DisassembledInsn> found = disassemble("c5fb93c0 c3");
        assertThat(found).extracting(DisassembledInsn::hex).containsExactly("c5 fb 93 c0", "c3");
    }

    @Test
    void ofNoCodeIsEmpty() {
        assertThat(disassemble("")).isEmpty();
    }

    @Test
    void canBeClosedTwice() {
        Disassembler disassembler = open();
        disassembler.close();
        disassembler.close();
    }

    @Test
    void saysWhatToInstallWhenNoLibraryLoads() {
        var loading = CapstoneLibrary.load(List.of("libnothing-of-this-name.so.4", "/nowhere/libcapstone.so.4"));
        assertThat(Disassembler.open(loading))
                .isEqualTo(new Disassembler.Missing(
                        "no libcapstone is installed", "install libcapstone5 or libcapstone4, or run: graft setup"));
    }

    @Test
    void refusesALibraryThatIsNotCapstone() {
        assertThat(Disassembler.open(CapstoneLibrary.load(List.of("libc.so.6"))))
                .isInstanceOfSatisfying(
                        Disassembler.Missing.class,
                        missing -> assertThat(missing.why()).isEqualTo("libc.so.6 is not Capstone"));
    }

    @Test
    void knowsTheLayoutsOfVersions4And5Only() {
        assertThat(InsnLayout.of(4)).contains(InsnLayout.V4);
        assertThat(InsnLayout.of(5)).contains(InsnLayout.V5);
        assertThat(InsnLayout.of(3)).isEmpty();
        assertThat(InsnLayout.of(6)).isEmpty();
    }

    private static List<String> lines(String hex) {
        return disassemble(hex).stream().map(DisassembledInsn::toString).toList();
    }

    private static List<DisassembledInsn> disassemble(String hex) {
        try (Disassembler disassembler = open()) {
            return disassembler.disassemble(HexFormat.of().parseHex(hex.replace(" ", "")), ORIGIN);
        }
    }

    private static Disassembler open() {
        return switch (Disassembler.open()) {
            case Disassembler.Available(Disassembler disassembler) -> disassembler;
            case Disassembler.Missing(String why, String whatToTry) -> abort(why + "; " + whatToTry);
        };
    }
}

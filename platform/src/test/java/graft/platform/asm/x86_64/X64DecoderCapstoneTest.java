package graft.platform.asm.x86_64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.platform.address.RemoteAddress;
import graft.platform.capstone.DisassembledInsn;
import graft.platform.capstone.Disassembler;
import graft.platform.elf.ElfFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Where the own decoder and Capstone both know an insn, it is as long for both. */
@Tag("slow")
class X64DecoderCapstoneTest {
    private static final Path LIBC = Path.of("/usr/lib/x86_64-linux-gnu/libc.so.6");

    @Test
    void agreesOnTheTextOfLibc() {
        byte[] text = textOfLibc();
        try (Disassembler capstone = capstone()) {
            List<DisassembledInsn> lines = capstone.disassemble(text, new RemoteAddress(0));
            assertThat(lines).hasSizeGreaterThan(100_000);
            assertThat(differences(text, lines)).isEmpty();
        }
    }

    /** A refusal is no difference here: the own decoder refuses what processors decode differently, Capstone guesses. */
    @Test
    void agreesOnInsnsOfLibcWithAChangedByteUnlessItRefuses() {
        byte[] text = textOfLibc();
        Random random = new Random(1);
        List<String> differences = new ArrayList<>();
        try (Disassembler capstone = capstone()) {
            for (int i = 0; i < 300_000; i++) {
                int from = random.nextInt(text.length - 16);
                byte[] code = Arrays.copyOfRange(text, from, from + 16);
                code[random.nextInt(4)] = (byte) random.nextInt(256);
                DisassembledInsn first =
                        capstone.disassemble(code, new RemoteAddress(0)).getFirst();
                boolean refused = InsnShape.length(X64Decoder.shape(code, 0, code.length)) == 0;
                if (!refused && !isUdWithoutItsModrm(first)) {
                    differences.addAll(differences(code, List.of(first)));
                }
            }
        }
        assertThat(differences).isEmpty();
    }

    /** Capstone 4 takes {@code ud0} and {@code ud1} for two bytes; both have a modrm byte. */
    private static boolean isUdWithoutItsModrm(DisassembledInsn line) {
        return line.text().startsWith("ud");
    }

    private static List<String> differences(byte[] code, List<DisassembledInsn> lines) {
        List<String> differences = new ArrayList<>();
        for (DisassembledInsn line : lines) {
            if (line.text().startsWith(".byte")) {
                continue;
            }
            int at = (int) line.address().value();
            long shape = X64Decoder.shape(code, at, code.length);
            if (InsnShape.length(shape) != line.bytes().length) {
                String ours = InsnShape.length(shape) == 0
                        ? InsnShape.reason(shape).text()
                        : "length " + InsnShape.length(shape);
                differences.add(line + " : " + ours);
            }
        }
        return differences;
    }

    private static byte[] textOfLibc() {
        assumeTrue(Files.exists(LIBC), LIBC + " is not installed");
        try (ElfFile libc = ElfFile.open(LIBC)) {
            return libc.content(libc.section(".text").orElseThrow());
        }
    }

    private static Disassembler capstone() {
        return switch (Disassembler.open()) {
            case Disassembler.Available(Disassembler disassembler) -> disassembler;
            case Disassembler.Missing(String why, String whatToTry) -> abort(why + "; " + whatToTry);
        };
    }
}

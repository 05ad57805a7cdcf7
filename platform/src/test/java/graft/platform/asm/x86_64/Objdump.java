package graft.platform.asm.x86_64;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** GNU objdump as a second opinion on machine code. */
final class Objdump {
    private Objdump() {}

    /** One line an instruction in Intel syntax, blanks collapsed, comments and symbols cut. */
    static List<String> disassemble(byte[] code, long address) {
        try {
            Path file = Files.createTempFile("graft-asm", ".bin");
            try {
                Files.write(file, code);
                Process process = new ProcessBuilder(
                                "objdump",
                                "-D",
                                "-b",
                                "binary",
                                "-m",
                                "i386:x86-64",
                                "-M",
                                "intel",
                                "--no-show-raw-insn",
                                "--adjust-vma=0x" + Long.toHexString(address),
                                file.toString())
                        .redirectErrorStream(true)
                        .start();
                String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return text.lines()
                        .filter(line -> line.matches("\\s*[0-9a-f]+:\\s.*"))
                        .map(line -> line.replaceFirst("^\\s*[0-9a-f]+:\\s*", ""))
                        .map(line -> line.replaceFirst("\\s+#.*", "").replaceAll("\\s+", " "))
                        .map(String::strip)
                        .toList();
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}

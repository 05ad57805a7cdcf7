package graft.platform.asm.x86_64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same boundaries as {@code objdump -d} in real libraries. */
class X64DecoderObjdumpTest {

    @Test
    void agreesWithObjdumpOnLibc() throws Exception {
        compare(Path.of("/usr/lib/x86_64-linux-gnu/libc.so.6"));
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
                "/usr/lib/x86_64-linux-gnu/libssl.so.3",
                "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                "/usr/sbin/nginx",
                "JVM"
            })
    void agreesWithObjdumpOnLargeLibraries(String name) throws Exception {
        compare(name.equals("JVM") ? Path.of(System.getProperty("java.home"), "lib/server/libjvm.so") : Path.of(name));
    }

    private static void compare(Path file) throws Exception {
        assumeTrue(Files.exists(file), file + " is not installed");
        Path dump = Files.createTempFile("graft-objdump", ".txt");
        try {
            Process objdump = new ProcessBuilder("objdump", "-d", "-w", "--insn-width=16", file.toString())
                    .redirectOutput(dump.toFile())
                    .start();
            assertThat(objdump.waitFor()).isZero();
            Tally tally = new Tally();
            try (BufferedReader lines = Files.newBufferedReader(dump)) {
                lines.lines().forEach(tally::line);
            }
            assertThat(tally.compared).isGreaterThan(1000);
            assertThat(tally.differences).isEmpty();
        } finally {
            Files.delete(dump);
        }
    }

    private static final class Tally {
        private final List<String> differences = new ArrayList<>();
        private int compared;

        void line(String line) {
            String[] column = line.split("\t");
            if (column.length < 3 || column[2].contains("(bad)") || column[2].contains(".byte")) {
                return;
            }
            String[] hex = column[1].trim().split(" ");
            byte[] bytes = new byte[hex.length];
            for (int i = 0; i < hex.length; i++) {
                bytes[i] = (byte) Integer.parseInt(hex[i], 16);
            }
            if (isDataReadAsCode(bytes)) {
                return;
            }
            long shape = X64Decoder.shape(bytes, 0, bytes.length);
            compared++;
            if (InsnShape.length(shape) != bytes.length && differences.size() < 50) {
                String ours = InsnShape.length(shape) == 0
                        ? InsnShape.reason(shape).text()
                        : "length " + InsnShape.length(shape);
                differences.add(line + " : " + ours);
            }
        }

        /**
         * What only tables between functions contain, and objdump prints all the same: prefixes without an insn, rex before
         * VEX, fwait joined with the next insn, and 66 before a branch, where Intel and AMD differ.
         */
        private static boolean isDataReadAsCode(byte[] bytes) {
            int at = 0;
            boolean narrow = false;
            while (at < bytes.length && isPrefix(bytes[at] & 0xff)) {
                narrow |= bytes[at] == 0x66;
                at++;
            }
            if (at == bytes.length) {
                return true;
            }
            int opcode = bytes[at] & 0xff;
            boolean rex = at > 0 && (bytes[at - 1] & 0xf0) == 0x40;
            boolean branch =
                    (opcode & 0xf0) == 0x70 || opcode >= 0xe0 && opcode <= 0xe3 || opcode == 0xeb || opcode == 0xe9;
            return opcode == 0x9b && bytes.length > 1 || rex && (opcode & 0xfe) == 0xc4 || narrow && branch;
        }

        private static boolean isPrefix(int b) {
            return switch (b) {
                case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> true;
                default -> (b & 0xf0) == 0x40;
            };
        }
    }
}

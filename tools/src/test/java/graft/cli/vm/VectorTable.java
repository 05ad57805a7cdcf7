package graft.cli.vm;

import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.InsnList;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** {@code vectors.txt}: rows become programs, over registers of choice. */
final class VectorTable {
    private static final int REGISTERS = 10;

    private final List<String[]> alu = new ArrayList<>();
    private final List<String[]> jumps = new ArrayList<>();
    private final List<String[]> memory = new ArrayList<>();
    private final List<Vector> programs = new ArrayList<>();
    private final List<String> refused = new ArrayList<>();

    private VectorTable() {}

    /** The registers that take the place of r1 and r2. */
    record Pair(int first, int second) {
        static final Pair PLAIN = new Pair(1, 2);

        String in(String insn) {
            return insn.replaceAll("\\b([rw])1\\b", "$1_first")
                    .replaceAll("\\b([rw])2\\b", "$1_second")
                    .replace("_first", "" + first)
                    .replace("_second", "" + second);
        }

        /** Ten pairs, others for each {@code row}. */
        static List<Pair> some(int row) {
            List<Pair> pairs = new ArrayList<>();
            for (int first = 0; first < REGISTERS; first++) {
                pairs.add(new Pair(first, (first + 1 + row % (REGISTERS - 1)) % REGISTERS));
            }
            return pairs;
        }
    }

    static VectorTable read() {
        try (InputStream in = VectorTable.class.getResourceAsStream("vectors.txt")) {
            VectorTable table = new VectorTable();
            table.sections(new String(in.readAllBytes(), StandardCharsets.UTF_8));
            return table;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void sections(String text) {
        for (String section : text.split("(?m)^\\[")) {
            String[] parts = section.split("]\n", 2);
            switch (parts[0]) {
                case "alu" -> rows(parts[1], alu);
                case "jump" -> rows(parts[1], jumps);
                case "memory" -> rows(parts[1], memory);
                case "program" -> programs(parts[1]);
                case "refused" ->
                    parts[1].lines()
                            .map(line -> line.replaceAll("//.*", "").strip())
                            .filter(line -> !line.isEmpty())
                            .forEach(refused::add);
                default -> {} // the comment at the top
            }
        }
    }

    private static void rows(String text, List<String[]> rows) {
        text.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(line -> line.split(" \\| "))
                .forEach(rows::add);
    }

    private void programs(String text) {
        for (String program : text.split("(?m)^= ")) {
            String[] parts = program.split("\n", 2);
            if (parts.length == 2) {
                String code = parts[1].replaceAll("(?m)^#.*", "");
                programs.add(new Vector(
                        program.strip(),
                        assemble(code),
                        new byte[0],
                        number(parts[0].replace("!", "")),
                        Optional.empty(),
                        kernel(parts[0])));
            }
        }
    }

    /** Encodings that are no instructions here. */
    List<String> refused() {
        return refused;
    }

    /** Every row with the registers it is written with. */
    List<Vector> plain() {
        List<Vector> all = new ArrayList<>(programs);
        alu.forEach(row -> all.add(alu(row, Pair.PLAIN)));
        jumps.forEach(row -> all.add(jump(row, Pair.PLAIN)));
        memory.forEach(row -> all.add(memory(row, Pair.PLAIN)));
        return all;
    }

    /** Every row with ten pairs of registers. */
    List<Vector> overRegisters() {
        List<Vector> all = new ArrayList<>();
        int number = 0;
        for (String[] row : alu) {
            Pair.some(number++).forEach(pair -> all.add(alu(row, pair)));
        }
        for (String[] row : jumps) {
            Pair.some(number++).forEach(pair -> all.add(jump(row, pair)));
        }
        for (String[] row : memory) {
            // r0 has a value of its own in these rows
            Pair.some(number++).stream()
                    .filter(pair -> pair.first() != 0 && pair.second() != 0)
                    .forEach(pair -> all.add(memory(row, pair)));
        }
        return all;
    }

    private static Vector alu(String[] row, Pair pair) {
        String[] before = row[0].split(" ");
        String text = constant(pair.second(), before[1]) + constant(pair.first(), before[0]) + pair.in(row[1])
                + "\nr0 = r" + pair.first() + "\nexit";
        return new Vector(
                pair.in(row[1]) + " of " + row[0],
                assemble(text),
                new byte[0],
                number(row[2].replace("!", "")),
                Optional.empty(),
                kernel(row[2]));
    }

    private static Vector.Kernel kernel(String result) {
        return result.endsWith("!") ? Vector.Kernel.REFUSES : Vector.Kernel.TAKES;
    }

    private static Vector jump(String[] row, Pair pair) {
        String[] before = row[0].split(" ");
        String text = constant(pair.second(), before[1]) + constant(pair.first(), before[0]) + "if " + pair.in(row[1])
                + " goto yes\nr0 = 0\nexit\nyes: r0 = 1\nexit";
        return new Vector(
                pair.in(row[1]) + " of " + row[0],
                assemble(text),
                new byte[0],
                number(row[2]),
                Optional.empty(),
                Vector.Kernel.TAKES);
    }

    /** The 16 bytes and behind them, at the end, r2 and r0. */
    private static Vector memory(String[] row, Pair pair) {
        String[] before = row[0].split(" ");
        String[] after = row[2].split(" ");
        String text = "*(u64 *)(r10 -8) = r1\n" + constant(pair.second(), before[1]) + constant(0, before[0])
                + "r" + pair.first() + " = *(u64 *)(r10 -8)\n" + pair.in(row[1])
                + "\n*(u64 *)(r10 -16) = r0\n*(u64 *)(r10 -24) = r" + pair.second()
                + "\nr1 = *(u64 *)(r10 -8)\nr2 = *(u64 *)(r10 -24)\n*(u64 *)(r1 +16) = r2"
                + "\nr2 = *(u64 *)(r10 -16)\n*(u64 *)(r1 +24) = r2\nr0 = 0\nexit";
        return new Vector(
                pair.in(row[1]) + " of " + row[0],
                assemble(text),
                HexFormat.of().parseHex(before[2] + "00".repeat(16)),
                0,
                Optional.of(HexFormat.of().parseHex(after[2] + little(after[1]) + little(after[0]))),
                Vector.Kernel.TAKES);
    }

    private static String little(String value) {
        return HexFormat.of().toHexDigits(Long.reverseBytes(number(value)));
    }

    private static String constant(int register, String value) {
        return value.equals("-") ? "" : "r%d = 0x%s ll\n".formatted(register, value);
    }

    private static long number(String hex) {
        return Long.parseUnsignedLong(hex.strip(), 16);
    }

    private static InsnList assemble(String text) {
        return switch (Assembler.assemble(text)) {
            case Assembler.Result.Assembled done -> done.insns();
            case Assembler.Result.Refused refused -> throw new AssertionError(refused + " in\n" + text);
        };
    }
}

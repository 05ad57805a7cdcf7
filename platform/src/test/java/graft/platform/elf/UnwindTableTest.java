package graft.platform.elf;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.elf.FrameRule.Kind;
import graft.platform.elf.FrameRule.Saved;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables for unwinding, compared with what readelf makes of the same instructions. */
class UnwindTableTest {
    private static final String LIBRARIES = "/usr/lib/x86_64-linux-gnu/";
    private static final List<String> REGISTERS = List.of("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp");

    /** A row of readelf's. */
    private record Expected(long address, String frame, String rbp, String returns) {
        boolean isMetBy(FrameRule rule) {
            return switch (rule.kind()) {
                case NONE -> false;
                case OUTERMOST -> returns.equals("u");
                case UNKNOWN -> !returns.equals("c-8") || isOther();
                case LOADED, PLT -> frame.equals("exp") && returns.equals("c-8") && isRbpOf(rule);
                case SIGNAL -> frame.equals("exp") && returns.equals("exp") && rbp.equals("exp");
                case REGISTER -> frame.equals(text(rule)) && returns.equals("c-8") && isRbpOf(rule);
            };
        }

        private boolean isOther() {
            return frame.equals("exp") || rbp.equals("vexp");
        }

        private boolean isRbpOf(FrameRule rule) {
            return switch (rule.saved()) {
                case UNCHANGED -> rbp.equals("u") || rbp.equals("s");
                case AT_FRAME -> rbp.equals("c%+d".formatted(rule.savedAt()));
                case AT_RBP, AT_RSP -> rbp.equals("exp");
                case LOST -> !rbp.equals("u") && !rbp.startsWith("c");
            };
        }

        private static String text(FrameRule rule) {
            int number = rule.register();
            String register = number < REGISTERS.size() ? REGISTERS.get(number) : "r" + number;
            return "%s%+d".formatted(register, rule.offset());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                LIBRARIES + "libc.so.6",
                LIBRARIES + "libcrypto.so.3",
                LIBRARIES + "libstdc++.so.6",
                "/usr/sbin/nginx",
                "/usr/bin/busybox"
            })
    void saysWhatReadelfSays(String file) throws IOException {
        UnwindTable table = table(file);
        TreeMap<Long, Expected> expected = expected(file);

        assertThat(expected).hasSizeGreaterThan(1000);
        assertThat(expected.values())
                .allSatisfy(row -> assertThat(table.at(new ElfVirtualAddress(row.address())))
                        .matches(row::isMetBy, row.toString()));
        assertThat(table.rows()).isLessThan(2 * expected.size());
    }

    /** Of the instructions that a program is called from, next to none is left out. */
    @ParameterizedTest
    @ValueSource(strings = {LIBRARIES + "libc.so.6", LIBRARIES + "libcrypto.so.3", "/usr/sbin/nginx"})
    void knowsNearlyAll(String file) {
        UnwindTable table = table(file);
        long unknown = 0;
        for (int row = 0; row < table.rows(); row++) {
            FrameRule rule = table.rules().get(table.rule(row));
            boolean fromStack = rule.register() == FrameRule.RBP || rule.register() == FrameRule.RSP;
            unknown += rule.kind() == Kind.UNKNOWN || rule.kind() == Kind.REGISTER && !fromStack ? 1 : 0;
        }
        assertThat(unknown).isLessThan(table.rows() / 300);
    }

    @Test
    void knowsTheFramesOfSignalsAndOfLazyBinding() {
        List<FrameRule> rules = table(LIBRARIES + "libc.so.6").rules();

        assertThat(rules)
                .contains(
                        new FrameRule(Kind.SIGNAL, FrameRule.RSP, 160, 168, Saved.AT_RSP, 120),
                        new FrameRule(Kind.PLT, FrameRule.RSP, 8, 11, Saved.UNCHANGED, 0),
                        FrameRule.OUTERMOST);
    }

    @Test
    void saysNothingOutsideOfFunctions() {
        UnwindTable table = table(LIBRARIES + "libc.so.6");

        long end = table.offset(table.rows() - 1);
        for (long offset : new long[] {-1, end, end + 1, 1L << 40, Long.MIN_VALUE}) {
            assertThat(table.at(new ElfVirtualAddress(table.base().value() + offset)))
                    .isEqualTo(FrameRule.NONE);
        }
    }

    private static UnwindTable table(String file) {
        try (ElfFile elf = ElfFile.open(Path.of(file))) {
            return UnwindTable.of(elf);
        }
    }

    /** The last row of each address counts. */
    private static TreeMap<Long, Expected> expected(String file) throws IOException {
        Process readelf = new ProcessBuilder("readelf", "--debug-dump=frames-interp", "--wide", file)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        TreeMap<Long, Expected> rows = new TreeMap<>();
        List<String> columns = List.of();
        boolean inFunction = false;
        try (BufferedReader output = readelf.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                List<String> words = List.of(line.strip().replace(" (", "(").split(" +"));
                if (line.contains(" CIE ") || line.contains(" FDE ")) {
                    inFunction = line.contains(" FDE ");
                } else if (words.getFirst().equals("LOC")) {
                    columns = new ArrayList<>(words);
                } else if (inFunction && words.getFirst().matches("[0-9a-f]{16}")) {
                    Expected row = new Expected(
                            Long.parseUnsignedLong(words.getFirst(), 16),
                            words.get(1),
                            column(columns, words, "rbp"),
                            column(columns, words, "ra"));
                    rows.put(row.address(), row);
                }
            }
        }
        return rows;
    }

    private static String column(List<String> columns, List<String> words, String name) {
        int at = columns.indexOf(name);
        return at < 0 ? "u" : words.get(at);
    }
}

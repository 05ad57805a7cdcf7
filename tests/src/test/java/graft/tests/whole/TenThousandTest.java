package graft.tests.whole;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessMaps;
import graft.tests.command.CompiledProgram;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ten thousand functions counted by one command: every call of each, and afterwards no byte is another one. */
@Tag("slow")
class TenThousandTest {
    private static final int FUNCTIONS = 10_000;
    private static final int ROUNDS = 20;
    private static final Pattern ROW = Pattern.compile("(?m)^ *([\\d,]+) +(many_\\d+)$");

    @TempDir
    private Path folder;

    @Test
    void everyCallIsCountedAndEveryByteIsRestored() throws IOException, InterruptedException {
        List<String> command = List.of(program().toString(), Integer.toString(ROUNDS));
        try (Workload workload = Workload.start(folder, command)) {
            Map<MemoryMapping, String> before = text(workload.pid());
            try (GraftProcess graft = GraftProcess.start("count", "many_*", "-p", Integer.toString(workload.pid()))) {
                graft.awaitLine("counting");
                workload.say("go");
                assertThat(workload.line()).isEqualTo("called");
                GraftRun run = graft.interrupt();

                assertThat(run.status()).as(run.errors()).isZero();
                Map<String, Long> counts = counts(run.output());
                assertThat(counts).as(run.errors()).hasSizeGreaterThan(FUNCTIONS * 999 / 1000);
                assertThat(counts.values()).containsOnly((long) ROUNDS);
                assertThat(run.errors()).contains("text equals the files, nothing left behind");
            }
            assertThat(text(workload.pid())).isEqualTo(before);
            // The sum over all functions and rounds of what each of them gives.
            assertThat(workload.work().output()).isEqualTo(Long.toString(expected()));
        }
    }

    private static long expected() {
        long sum = 0;
        for (int round = 0; round < ROUNDS; round++) {
            for (int function = 0; function < FUNCTIONS; function++) {
                sum += 3L * (round + function) + function;
            }
        }
        return sum;
    }

    private static Map<String, Long> counts(String output) {
        Map<String, Long> counts = new LinkedHashMap<>();
        Matcher rows = ROW.matcher(output);
        while (rows.find()) {
            counts.put(rows.group(2), Long.valueOf(rows.group(1).replace(",", "")));
        }
        return counts;
    }

    /** Every mapping that is executable, and its bytes. */
    private static Map<MemoryMapping, String> text(int pid) {
        Map<MemoryMapping, String> text = new LinkedHashMap<>();
        try (ProcMem memory = ProcMem.open(pid)) {
            for (MemoryMapping mapping : ProcessMaps.of(pid).mappings()) {
                if (mapping.isExecutable() && mapping.isFile()) {
                    byte[] bytes = memory.readBytes(mapping.start(), Math.toIntExact(mapping.size()));
                    text.put(mapping, java.util.HexFormat.of().formatHex(bytes));
                }
            }
        }
        return text;
    }

    /** Each function gives three times its argument and its own number. */
    private Path program() throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder("#include <stdio.h>\n#include <stdlib.h>\n");
        for (int i = 0; i < FUNCTIONS; i++) {
            source.append("__attribute__((noinline)) long many_%d(long a) { return 3 * a + %d; }\n".formatted(i, i));
        }
        source.append("static long (*const all[])(long) = {\n");
        for (int i = 0; i < FUNCTIONS; i++) {
            source.append("many_%d,\n".formatted(i));
        }
        source.append("""
                };
                int main(int argc, char **argv)
                {
                    char line[8];
                    long sum = 0;
                    if (argc < 2 || puts("ready") < 0 || fflush(stdout) || !fgets(line, sizeof line, stdin)) return 1;
                    for (long round = 0; round < atol(argv[1]); round++)
                        for (long i = 0; i < %d; i++) sum += all[i](round + i);
                    if (puts("called") < 0 || fflush(stdout) || !fgets(line, sizeof line, stdin)) return 1;
                    printf("%%ld\\n", sum);
                    return 0;
                }
                """.formatted(FUNCTIONS));
        return CompiledProgram.of(folder, "many", source.toString(), "-O1");
    }
}

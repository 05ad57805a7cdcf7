package graft.cli.vm;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.bench.vm.Workload;
import graft.ebpf.jit.Linkage;
import graft.ebpf.object.MapSpec;
import graft.platform.elf.RelocatableObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Objects link into C programs and give what native code gives. */
@Tag("slow")
class AheadOfTimeTest {
    static final List<String> NAMES = Workload.NAMES;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @FieldSource("NAMES")
    void aLinkedProgramLeavesTheSameMemoryAsNativeCode(String name) throws IOException, InterruptedException {
        Workload workload = Workload.load(name);
        RelocatableObject.Function function = AheadOfTime.function(
                workload.program(), workload.facts(), workload.object().maps());
        Path object = Files.write(folder.resolve("program.o"), RelocatableObject.of(List.of(function)));
        Path main = Files.writeString(folder.resolve("main.c"), main(workload));
        Path program = folder.resolve("program");
        Path source = Path.of("src/main/vm", name + ".bpf.c").toAbsolutePath();
        assertThat(run(
                        "gcc",
                        "-O1",
                        "-DNATIVE",
                        main.toString(),
                        source.toString(),
                        object.toString(),
                        "-o",
                        program.toString()))
                .isEmpty();
        assertThat(run(program.toString())).isEqualTo("same\n");
    }

    /** Runs both on equal memory; the maps are the arrays that the object refers to. */
    private static String main(Workload workload) {
        String maps = workload.object().maps().values().stream()
                .map(AheadOfTimeTest::array)
                .collect(Collectors.joining("\n"));
        return """
                #include <stdio.h>
                #include <string.h>
                %s
                extern unsigned char state_%s[8200];
                int native_%s(void *);
                long %s(void *);
                int main(void) {
                    for (int i = 0; i < 8192; i++)
                        state_%2$s[i] = graft_data__bss[i] = i < 4096 ? i * 167 + (i >> 3) * 13 : "12 ab-\\"9"[i %% 8];
                    memset(state_%2$s + 6136, 0, 8);
                    memset(graft_data__bss + 6136, 0, 8);
                    long a = native_%2$s(0), b = %2$s(0);
                    puts(a == b && !memcmp(state_%2$s, graft_data__bss, 8200) ? "same" : "different");
                    return 0;
                }
                """.formatted(maps, workload.name(), workload.name(), workload.name(), workload.name());
    }

    private static String array(MapSpec map) {
        byte[] content = map.content().bytes();
        String values = IntStream.range(0, content.length)
                .mapToObj(i -> Integer.toString(content[i] & 0xff))
                .collect(Collectors.joining(","));
        int bytes = ((map.valueSize() + 7) & -8) * map.maxEntries();
        return "unsigned char %s[%d] __attribute__((aligned(8))) = {%s};"
                .formatted(Linkage.dataSymbol(map.name()), bytes, values.isEmpty() ? "0" : values);
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.CompiledProgram;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code graft run --max-entries}: how much goes into a map is said when it is run. */
@Tag("slow")
class MapSizesTest {
    private static final int CALLS = 500;
    private static final String PROGRAM = """
            __attribute__((noipa)) long work(long key) { volatile long x = key; return x; }
            int main(void) { long sum = 0; for (int i = 0; i < %d; i++) sum += work(i); return sum == 0; }
            """.formatted(CALLS);
    private static final String OBJECT = """
            #include <linux/bpf.h>
            #include <linux/ptrace.h>
            #include <bpf/bpf_helpers.h>
            #define MAP(name, kind) struct { __uint(type, kind); __uint(max_entries, 10); __type(key, __u32); \
                    __type(value, __u64); } name SEC(".maps")
            MAP(TABLE, BPF_MAP_TYPE_HASH);
            MAP(NUMBERS, BPF_MAP_TYPE_ARRAY);
            MAP(RECENT, BPF_MAP_TYPE_LRU_HASH);
            struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 3); __type(key, __u32); __type(value, __u64); }
                    FULL SEC(".maps");
            __u64 variable = 1;
            static void put(void *map, __u32 key, __u32 place)
            {
                __u64 value = key + 1, *full = bpf_map_lookup_elem(&FULL, &place);
                if (bpf_map_update_elem(map, &key, &value, BPF_ANY) == -7 && full)
                    *full += variable;
            }
            SEC("uprobe/:work")
            int on_work(struct pt_regs *ctx)
            {
                put(&TABLE, ctx->rdi, 0);
                put(&NUMBERS, ctx->rdi, 1);
                put(&RECENT, ctx->rdi, 2);
                return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    @TempDir
    private Path folder;

    private String object;
    private String program;

    @BeforeEach
    void compile() throws IOException, InterruptedException {
        object = AskedProgram.compiledObject(folder, "sized", OBJECT);
        program = CompiledProgram.of(folder, "program", PROGRAM, "-O2").toString();
    }

    @Test
    void areThoseOfTheObject() {
        GraftRun run = run();

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(lines(run, "TABLE")).isEqualTo(10);
        assertThat(lines(run, "RECENT")).isEqualTo(10);
        assertThat(run.output()).contains("FULL[0] = " + (CALLS - 10), "FULL[1] = " + (CALLS - 10), "FULL[2] = 0");
    }

    @Test
    void areThoseOfTheCommand() {
        GraftRun run = run("--max-entries", "TABLE=499", "--max-entries", "NUMBERS=1000", "--max-entries", "RECENT=40");

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(lines(run, "TABLE")).isEqualTo(CALLS - 1);
        assertThat(lines(run, "RECENT")).isEqualTo(40);
        assertThat(run.output()).contains("FULL[0] = 1", "FULL[1] = 0", "FULL[2] = 0", "NUMBERS[499] = 500");
    }

    @Test
    void mayBeLarge() {
        GraftRun run = run("--max-entries", "TABLE=1000000", "--max-entries", "RECENT=3000000");

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(lines(run, "TABLE")).isEqualTo(CALLS);
        assertThat(lines(run, "RECENT")).isEqualTo(CALLS);
    }

    @Test
    void whatIsNoMapOrNoSizeIsRefused() {
        assertThat(run("--max-entries", "OTHER=5").errors()).contains("U001", "no such map", "TABLE, NUMBERS");
        assertThat(run("--max-entries", "TABLE=many").errors()).contains("U001", "many is not a number");
        assertThat(run("--max-entries", ".data=5").errors()).contains("U001", "variables of a section");
        assertThat(run("--max-entries", "TABLE=0").errors()).contains("M001", "max_entries");
    }

    private GraftRun run(String... options) {
        List<String> words = new ArrayList<>(List.of("run", object));
        words.addAll(List.of(options));
        words.addAll(List.of("--", program));
        return GraftRun.of(words.toArray(String[]::new));
    }

    private static long lines(GraftRun run, String map) {
        return run.output().lines().filter(line -> line.startsWith(map + "[")).count();
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.Main;
import graft.tests.command.CompiledProgram;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code pool has room for long programs and functions with many exits. */
@Tag("slow")
class LargeImagesTest {
    private static final int EXITS = 60;
    private static final int ADDITIONS = 3000;

    @TempDir
    private Path folder;

    @Test
    void longProgramsRunAtEveryExitOfAFunction() throws IOException, InterruptedException {
        Path object = bpfObject();
        Path program = program();
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();

        int status = Main.run(
                new PrintWriter(out), new PrintWriter(err), "run", object.toString(), "--", program.toString());

        assertThat(status).as(err.toString()).isZero();
        assertThat(out.toString()).containsPattern("sums\\[0] = " + (long) EXITS * ADDITIONS + "\\R");
    }

    /** Thousands of instructions that the compiler cannot merge. */
    private Path bpfObject() throws IOException, InterruptedException {
        String additions = "\tsum += 1; asm volatile(\"\" : \"+r\"(sum));\n".repeat(ADDITIONS);
        Path source = Files.writeString(folder.resolve("long.bpf.c"), """
                #include <linux/bpf.h>
                #include <bpf/bpf_helpers.h>
                struct {
                	__uint(type, BPF_MAP_TYPE_ARRAY);
                	__uint(max_entries, 1);
                	__type(key, __u32);
                	__type(value, __u64);
                } sums SEC(".maps");
                SEC("uretprobe/:work")
                int add(void *ctx)
                {
                	__u32 key = 0;
                	__u64 sum = 0, *total = bpf_map_lookup_elem(&sums, &key);
                	(void)ctx;
                %s	if (total)
                		__sync_fetch_and_add(total, sum);
                	return 0;
                }
                char LICENSE[] SEC("license") = "GPL";
                """.formatted(additions));
        Path object = folder.resolve("long.bpf.o");
        run(
                "clang",
                "-target",
                "bpf",
                "-O2",
                "-g",
                "-c",
                "-I/usr/include/x86_64-linux-gnu",
                "-o",
                object.toString(),
                source.toString());
        return object;
    }

    /** One exit for each argument, none like another. */
    private Path program() throws IOException, InterruptedException {
        String cases = IntStream.range(0, EXITS)
                .mapToObj(
                        i -> "if (n == %d) { __asm__ volatile(\"nopl 0(%%rax); ret; nop\"); __builtin_unreachable(); }"
                                .formatted(i))
                .collect(Collectors.joining("\n"));
        String source = """
                __attribute__((noinline)) long work(long n) {
                %s
                    return 0;
                }
                int main(void) { for (long i = 0; i < %d; i++) work(i); return 0; }
                """.formatted(cases, EXITS);
        return CompiledProgram.of(folder, "program", source, "-O1");
    }

    private static void run(String... command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}

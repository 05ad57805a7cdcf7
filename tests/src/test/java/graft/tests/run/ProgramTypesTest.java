package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.CompiledProgram;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An object reads a struct of the traced program, whose layout is another than the one it was compiled for. */
@Tag("slow")
class ProgramTypesTest {
    private static final int ORDERS = 100;
    private static final String PROGRAM = """
            struct order { long id; char name[20]; short amount; struct order *next; };
            __attribute__((noipa)) long take(struct order *order) { volatile long x = order->id; return x; }
            int main(void) {
                long sum = 0;
                for (int i = 1; i <= %d; i++) {
                    struct order order = {i, "an order", i, &order};
                    sum += take(&order);
                }
                return sum == 0;
            }
            """.formatted(ORDERS);
    private static final String OBJECT = """
            #include <linux/bpf.h>
            #include <bpf/bpf_helpers.h>
            #include <bpf/bpf_core_read.h>
            struct order { long amount; } __attribute__((preserve_access_index));
            struct registers { __u64 before[14], rdi, after[6]; };
            struct {
                __uint(type, BPF_MAP_TYPE_ARRAY);
                __uint(max_entries, 1);
                __type(key, __u32);
                __type(value, __u64);
            } totals SEC(".maps");
            SEC("uprobe/:take")
            int on_take(struct registers *registers)
            {
                struct order *order = (struct order *)registers->rdi;
                __u64 amount = 0;
                __u32 first = 0;
                __u64 *total = bpf_map_lookup_elem(&totals, &first);
                bpf_probe_read_user(&amount, bpf_core_field_size(order->amount), &order->amount);
                if (total)
                    __sync_fetch_and_add(total, amount);
                return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """;

    @TempDir
    private Path folder;

    private Path object;

    @BeforeEach
    void compileObject() throws IOException, InterruptedException {
        object = folder.resolve("orders.bpf.o");
        Path source = Files.writeString(folder.resolve("orders.bpf.c"), OBJECT);
        succeeds("clang", "-g", "-O2", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", "-c", source, "-o", object);
    }

    @Test
    void followsTheDebugInformationOfTheProgram() throws IOException, InterruptedException {
        Path program = program("-g");
        GraftRun run = GraftRun.of("run", object.toString(), "--btf", program.toString(), "--", program.toString());

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.output()).containsPattern("totals\\[0] = " + ORDERS * (ORDERS + 1) / 2 + "\\R");
    }

    @Test
    void saysWhichMemberItDoesNotKnow() throws IOException, InterruptedException {
        GraftRun run = GraftRun.of("run", object.toString(), "--", program("-g").toString());

        assertThat(run.status()).isEqualTo(4);
        assertThat(run.errors()).contains("neither the kernel nor the traced program has order.amount");
    }

    @Test
    void refusesFilesWithoutTypes() throws IOException, InterruptedException {
        Path program = program("-s");
        GraftRun run = GraftRun.of("run", object.toString(), "--btf", program.toString(), "--", program.toString());

        assertThat(run.errors())
                .contains("GRAFT-L010 no types in " + program, "it has no BTF and no debug information");
    }

    private Path program(String option) throws IOException, InterruptedException {
        return CompiledProgram.of(folder, "program", PROGRAM, "-O2", option);
    }

    private static void succeeds(Object... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        for (Object word : words) {
            command.add(word.toString());
        }
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}

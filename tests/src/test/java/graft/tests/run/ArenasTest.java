package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A list in an arena, whose elements are variables there and know each other by address. */
@Tag("slow")
class ArenasTest {
    private static final int CALLS = 50;
    private static final int NODES = 32;
    private static final String PROGRAM = """
            __attribute__((noipa)) long take(long id) { volatile long x = id; return x; }
            int main(void) {
                long sum = 0;
                for (long i = 1; i <= %d; i++)
                    sum += take(i);
                return sum == 0;
            }
            """.formatted(CALLS);
    private static final String OBJECT = """
            #include <linux/bpf.h>
            #include <bpf/bpf_helpers.h>
            #define __arena __attribute__((address_space(1)))
            struct registers { __u64 before[14], rdi, after[6]; };
            struct {
                __uint(type, 33); /* BPF_MAP_TYPE_ARENA, which is not in older headers */
                __uint(map_flags, BPF_F_MMAPABLE);
                __uint(max_entries, 4);
            } arena SEC(".maps");
            struct {
                __uint(type, BPF_MAP_TYPE_ARRAY);
                __uint(max_entries, 3);
                __type(key, __u32);
                __type(value, __u64);
            } totals SEC(".maps");
            struct node { struct node __arena *next; __u64 id; };
            struct node __arena nodes[%d];
            struct node __arena *__arena head;
            __u64 __arena used = 0;
            __u64 __arena first = 7;
            static void put(__u32 index, __u64 value)
            {
                bpf_map_update_elem(&totals, &index, &value, BPF_ANY);
            }
            SEC("uprobe/:take")
            int on_take(struct registers *registers)
            {
                __u64 sum = 0;
                struct node __arena *node;
                volatile void *user = &arena;
                __u64 place = used;
                if (place < %d) {
                    node = &nodes[place];
                    node->id = registers->rdi;
                    node->next = head;
                    head = node;
                    used = place + 1;
                }
                node = head;
                for (int i = 0; i < 64 && node; i++) {
                    sum += node->id;
                    node = node->next;
                }
                put(0, sum);
                put(1, first);
                put(2, *(__u64 __arena *)((char __arena *)head + (1 << 20)));
                return 0;
            }
            char LICENSE[] SEC("license") = "GPL";
            """.formatted(NODES, NODES);

    @TempDir
    private Path folder;

    private Path object;
    private Path program;

    @BeforeEach
    void compile() throws IOException, InterruptedException {
        object = folder.resolve("list.bpf.o");
        program = folder.resolve("program");
        Path source = Files.writeString(folder.resolve("list.bpf.c"), OBJECT);
        Path main = Files.writeString(folder.resolve("program.c"), PROGRAM);
        String include = "-I/usr/include/x86_64-linux-gnu";
        succeeds("clang-19", "-g", "-O2", "-target", "bpf", "-mcpu=v4", include, "-c", source, "-o", object);
        succeeds("gcc", "-O2", "-o", program, main);
    }

    @Test
    void programsInAProcessFollowAddressesInIt() throws IOException, InterruptedException {
        GraftRun run = GraftRun.of("run", object.toString(), "--", program.toString());

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.output())
                .containsPattern("totals\\[0] = " + NODES * (NODES + 1) / 2 + "\\R")
                .containsPattern("totals\\[1] = 7\\R")
                .containsPattern("totals\\[2] = 0\\R");
    }

    /** Given, refused, given back, and empty when they are given again. */
    @Test
    void pagesAreGivenAsByTheKernel() throws IOException, InterruptedException {
        Path file = AskedProgram.compile(folder, "paged");
        Path paged = folder.resolve("paged.bpf.o");
        try (InputStream in = ArenasTest.class.getResourceAsStream("paged.bpf.c")) {
            Files.write(folder.resolve("paged.bpf.c"), in.readAllBytes());
        }
        String include = "-I/usr/include/x86_64-linux-gnu";
        Path source = folder.resolve("paged.bpf.c");
        succeeds("clang-19", "-g", "-O2", "-target", "bpf", "-mcpu=v4", include, "-c", source, "-o", paged);
        try (AskedProgram asked = AskedProgram.start(file)) {
            List<String> kernel = rows(asked, paged, "kernel");
            assertThat(kernel)
                    .hasSize(2000)
                    .anyMatch(row -> row.contains("result=" + (1L << 44) + " "))
                    .filteredOn(row -> row.contains("result=0 "))
                    .hasSizeBetween(500, 1900);
            List<String> user = rows(asked, paged, "user");
            for (int i = 0; i < kernel.size(); i++) {
                assertThat(user.get(i)).as("call %d", i).isEqualTo(kernel.get(i));
            }
        }
    }

    private static List<String> rows(AskedProgram program, Path object, String place) {
        try (GraftProcess graft = GraftProcess.start(
                "run",
                object.toString(),
                "-p",
                program.pid(),
                "--where",
                place,
                "--attach",
                "on_asked=uprobe::asked")) {
            graft.awaitLine("attached");
            assertThat(program.answer("calls")).isEqualTo(program.pid());
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run.output().lines().filter(line -> line.startsWith("ROW[")).toList();
        }
    }

    private static void succeeds(Object... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        for (Object word : words) {
            command.add(word.toString());
        }
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}

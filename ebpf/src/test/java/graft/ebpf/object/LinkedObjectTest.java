package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Wide;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Objects that bpftool links of several, and what a section may hold besides one program. */
class LinkedObjectTest {
    private static final String FIRST = """
            struct counts { __uint(type, 1); __uint(max_entries, 9); __type(key, u32); __type(value, u64); };
            struct counts shared SEC(".maps");
            int total = 5;
            static int own;
            static __attribute__((noinline)) int step(int a) { return a + own++; }
            int other_file(int a);
            SEC("uprobe/:work") int on_first(void *ctx) { return step(1) + other_file(2) + total; }
            SEC("uprobe/:work") int on_second(void *ctx) { return step(3); }
            """;
    private static final String SECOND = """
            extern struct counts { __uint(type, 1); __uint(max_entries, 9); __type(key, u32); __type(value, u64); } shared SEC(".maps");
            extern int total;
            static int own = 7;
            static __attribute__((noinline)) int step(int a) { return a * own++; }
            __attribute__((noinline)) int other_file(int a) {
                int key = a;
                total++;
                return step(a) + (((void *(*)(void *, const void *)) 1)(&shared, &key) != 0);
            }
            SEC("uretprobe/:work") int on_third(void *ctx) { return other_file(4); }
            """;

    @Test
    void takesTheSubprogramsOfBothFiles(@TempDir Path folder) throws IOException, InterruptedException {
        CollectionSpec spec = linked(folder);

        assertThat(spec.programs().keySet()).containsExactlyInAnyOrder("on_first", "on_second", "on_third");
        assertThat(spec.maps().keySet()).containsExactlyInAnyOrder("shared", ".bss", ".data");
        assertThat(names(spec.programs().get("on_first")))
                .containsExactlyInAnyOrder("on_first", "step", "other_file", "step");
        assertThat(names(spec.programs().get("on_second"))).containsExactly("on_second", "step");
        assertThat(spec.programs().get("on_third").insns().insns())
                .filteredOn(Insn.LoadWide.class::isInstance)
                .extracting(insn -> ((Insn.LoadWide) insn).value())
                .contains(new Wide.MapPointer("shared"))
                .anyMatch(value -> value instanceof Wide.MapValue(var map, var _) && map.equals(".data"));
    }

    @Test
    void staticFunctionsOfAProgramSectionAreNoPrograms() {
        CollectionSpec spec = Clang.load("""
                SEC("uprobe") static __attribute__((noinline)) int helper(int a) { return a * 3; }
                SEC("uprobe") int on_first(void *ctx) { return helper((int) (long) ctx); }
                SEC("uprobe") int on_second(void *ctx) { return 2; }
                """, KernelFacts.NONE);

        assertThat(spec.programs().keySet()).containsExactlyInAnyOrder("on_first", "on_second");
        assertThat(names(spec.programs().get("on_first"))).containsExactly("on_first", "helper");
    }

    private static Stream<String> names(ProgSpec program) {
        return program.functions().stream().map(ProgSpec.Function::name);
    }

    private static CollectionSpec linked(Path folder) throws IOException, InterruptedException {
        String bpftool = "/usr/sbin/bpftool";
        assumeTrue(Files.isExecutable(Path.of(bpftool)), bpftool + " is missing");
        Path first = Files.write(folder.resolve("first.o"), Clang.object(FIRST));
        Path other = Files.write(folder.resolve("second.o"), Clang.object(SECOND));
        Path linked = folder.resolve("linked.o");
        Process process = new ProcessBuilder(
                        bpftool, "gen", "object", linked.toString(), first.toString(), other.toString())
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();
        LoadResult result = ObjectLoader.load("linked.o", Files.readAllBytes(linked));
        assertThat(result).as(result.toString()).isInstanceOf(LoadResult.Loaded.class);
        return ((LoadResult.Loaded) result).spec();
    }
}

package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.dwarf.DwarfTypes;
import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.SymbolEncoder;
import graft.platform.elf.ElfFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An object whose types differ from the target's in every way that CO-RE knows. */
class CoreRelocatorTest {
    private static final String POISON = "850000001023ad0b";

    private static byte[] program;
    private static byte[] target;
    private static Map<String, ProgSpec> programs;

    @BeforeAll
    static void compile() {
        program = Clang.object(text("core-program.c"));
        target = Clang.object(text("core-target.c"));
        Btf types = types(target);
        LoadResult result = ObjectLoader.load("program", program, KernelFacts.NONE.tracing(() -> List.of(types)));
        assertThat(result).as(result.toString()).isInstanceOf(LoadResult.Loaded.class);
        programs = ((LoadResult.Loaded) result).spec().programs();
    }

    private static Btf types(byte[] object) {
        try (ElfFile elf = ElfFile.of("object", object)) {
            return Btf.parse(elf.content(elf.section(".BTF").orElseThrow()));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "load_moved, r0 = *(u64 *)(r1 +8)",
        "load_grown, r0 = *(u64 *)(r1 +16)",
        "load_shrunk, r0 = *(u32 *)(r1 +24)",
        "load_many, r0 = *(u32 *)(r1 +168)",
        "load_in_union, r0 = *(u32 *)(r1 +192)",
        "load_high, r0 = *(u16 *)(r1 +194)",
        "exists_missing, r0 = 0",
        "exists_moved, r0 = 1",
        "type_exists_alias, r0 = 1",
        "type_exists_no_alias, r0 = 0",
        "type_exists_other_function, r0 = 0",
        "type_size_absent, r0 = 0",
        "size_name, r0 = 32",
        "size_grown, r0 = 8",
        "signed_grown, r0 = 1",
        "signed_now, r0 = 0",
        "value_red, r0 = 0x5 ll",
        "value_pear, r0 = 0x11170 ll",
        "value_large, r0 = 0x1234567890 ll"
    })
    void adjustsInstructionsToTheTargetsTypes(String name, String instruction) {
        assertThat(Disassembler.text(programs.get(name).insns().insns().getFirst()))
                .isEqualTo(instruction);
    }

    @ParameterizedTest
    @CsvSource({
        "load_missing, has point.missing",
        "load_absent, has absent.a",
        "load_other_kind, has point.other_kind",
        "load_signed_grown, no unsigned number",
        "value_gone, has colour.GONE"
    })
    void poisonsWhatTheTargetDoesNotHave(String name, String why) {
        assertThat(programs.get(name).insns().insns())
                .filteredOn(Insn.Poison.class::isInstance)
                .isNotEmpty()
                .allSatisfy(insn -> assertThat(((Insn.Poison) insn).reason()).contains(why));
    }

    /** gcc's and clang's debug information of the same source, as programs have it. */
    @ParameterizedTest
    @CsvSource({
        "gcc, -gdwarf-5",
        "gcc, -gdwarf-4",
        "gcc, -gdwarf-3",
        "gcc, -gz=zlib",
        "clang, -gdwarf-5",
        "clang, -gdwarf-4"
    })
    void followsTheDebugInformationOfPrograms(String compiler, String option, @TempDir Path folder)
            throws IOException, InterruptedException {
        Btf types = debugInformation(compiler, option, folder);
        LoadResult.Loaded loaded = (LoadResult.Loaded)
                ObjectLoader.load("program", program, KernelFacts.NONE.tracing(() -> List.of(types)));

        Map<String, String> expected = new LinkedHashMap<>();
        Map<String, String> found = new LinkedHashMap<>();
        programs.forEach((name, spec) -> {
            if (!name.equals("target_point")) {
                expected.put(name, bytes(spec));
                found.put(name, bytes(loaded.spec().programs().get(name)));
            }
        });
        assertThat(found).isEqualTo(expected);
    }

    private static Btf debugInformation(String compiler, String option, Path folder)
            throws IOException, InterruptedException {
        Path source = Files.writeString(
                folder.resolve("target.c"),
                Clang.PRELUDE + text("core-target.c") + "int main(void) { return keep(0); }");
        Path file = folder.resolve("target");
        Process process = new ProcessBuilder(compiler, "-g", option, "-o", file.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();
        try (ElfFile elf = ElfFile.of("target", Files.readAllBytes(file))) {
            return DwarfTypes.of(elf).orElseThrow();
        }
    }

    @Test
    void asksTheKernelsModulesLast() {
        Btf types = types(target);
        KernelFacts facts = new KernelFacts(
                List::of, java.util.Optional::empty, () -> List.of(types), java.util.Optional::empty, "");
        LoadResult.Loaded loaded = (LoadResult.Loaded) ObjectLoader.load("program", program, facts);

        assertThat(bytes(loaded.spec().programs().get("load_moved"))).contains(POISON);
    }

    @Tag("slow")
    @Test
    void makesOfEveryInstructionWhatLibbpfMakesOfIt(@TempDir Path folder) throws IOException, InterruptedException {
        Map<String, String> ours = new LinkedHashMap<>();
        Map<String, String> theirs = new LinkedHashMap<>();
        for (String line : libbpf(folder)) {
            String[] words = line.split(" ");
            ours.put(words[0], bytes(programs.get(words[0])));
            theirs.put(words[0], words[1]);
        }
        assertThat(ours).hasSizeGreaterThan(60).isEqualTo(theirs);
    }

    /** The names of the programs and their instructions, as libbpf relocates them. */
    private static List<String> libbpf(Path folder) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("oracle.c"), text("core-oracle.c"));
        Path oracle = folder.resolve("oracle");
        Process gcc = new ProcessBuilder("gcc", "-w", "-o", oracle.toString(), source.toString(), "-lbpf")
                .redirectErrorStream(true)
                .start();
        String said = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Assumptions.assumeTrue(gcc.waitFor() == 0, said);
        Path types = Files.write(folder.resolve("target.o"), target);
        Process process = new ProcessBuilder(
                        oracle.toString(),
                        Files.write(folder.resolve("program.o"), program).toString(),
                        types.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).isZero();
        return lines;
    }

    private static String bytes(ProgSpec program) {
        return HexFormat.of().formatHex(InsnEncoder.encode(program.insns(), SymbolEncoder.NONE));
    }

    private static String text(String name) {
        try (InputStream in = CoreRelocatorTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}

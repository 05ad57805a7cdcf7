package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Wide;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectLoaderTest {
    private static byte[] object;

    @BeforeAll
    static void compile(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/clang")));
        Path source = folder.resolve("counts.bpf.c");
        try (InputStream in = ObjectLoaderTest.class.getResourceAsStream("counts.bpf.c")) {
            Files.copy(in, source);
        }
        Path output = folder.resolve("counts.bpf.o");
        Process clang = new ProcessBuilder(
                        "clang",
                        "-g",
                        "-O2",
                        "-target",
                        "bpf",
                        "-I/usr/include/x86_64-linux-gnu",
                        "-c",
                        source.toString(),
                        "-o",
                        output.toString())
                .inheritIO()
                .start();
        assertThat(clang.waitFor()).isZero();
        object = Files.readAllBytes(output);
    }

    @Test
    void readsMapsWithTheirTypesAndSizes() {
        CollectionSpec spec = loaded().spec();
        assertThat(spec.maps()).containsKeys("counts", "events", ".rodata", ".data", ".bss");
        MapSpec counts = spec.maps().get("counts");
        assertThat(counts.type()).isEqualTo(MapType.HASH);
        assertThat(counts.keySize()).isEqualTo(4);
        assertThat(counts.valueSize()).isEqualTo(8);
        assertThat(counts.maxEntries()).isEqualTo(1024);
        assertThat(spec.maps().get("events").maxEntries()).isEqualTo(8192);
        assertThat(spec.maps().get(".rodata").access()).isEqualTo(MapSpec.Access.READ_ONLY);
        assertThat(spec.maps().get(".rodata").content().bytes()).startsWith(7, 0, 0, 0);
        assertThat(spec.maps().get(".bss").content().bytes()).containsOnly(0);
    }

    @Test
    void readsProgramsWithTypeAndTarget() {
        CollectionSpec spec = loaded().spec();
        ProgSpec write = spec.programs().get("on_write");
        assertThat(write.type()).isEqualTo(ProgType.UPROBE);
        assertThat(write.target()).contains("libssl.so.3:SSL_write");
        assertThat(write.license()).isEqualTo("GPL");
        assertThat(spec.programs().get("on_open").type()).isEqualTo(ProgType.SYSCALL_ENTER);
    }

    @Test
    void appendsEachReachedSubprogramOnce() {
        ProgSpec read = loaded().spec().programs().get("on_read");
        assertThat(read.functions())
                .extracting(ProgSpec.Function::name)
                .containsExactlyInAnyOrder("on_read", "step", "bump");
        assertThat(read.functions()).allSatisfy(f -> assertThat(f.btfType()).isPositive());
        int slot = 0;
        for (Insn insn : read.insns().insns()) {
            int next = slot + insn.slots();
            if (insn instanceof Insn.CallLocal(var distance)) {
                assertThat(read.functions()).anyMatch(f -> f.name().equals("bump") && f.firstSlot() == next + distance);
            }
            if (insn instanceof Insn.LoadWide(var _, Wide.Function(var target))) {
                assertThat(read.functions()).anyMatch(f -> f.name().equals("step") && f.firstSlot() == target);
            }
            slot = next;
        }
    }

    @Test
    void namesMapsAndGlobalDataInInstructions() {
        ProgSpec write = loaded().spec().programs().get("on_write");
        assertThat(write.insns().insns())
                .filteredOn(Insn.LoadWide.class::isInstance)
                .extracting(insn -> ((Insn.LoadWide) insn).value())
                .contains(new Wide.MapPointer("events"), new Wide.MapPointer("counts"))
                .contains(new Wide.MapValue(".rodata", 0), new Wide.MapValue(".data", 0));
    }

    @Test
    void relocatesFieldsAgainstTheKernelsTypes() throws IOException {
        Path vmlinux = Path.of("/sys/kernel/btf/vmlinux");
        assumeTrue(Files.exists(vmlinux));
        Btf kernel = Btf.parse(Files.readAllBytes(vmlinux));
        int task = kernel.named("task_struct").stream()
                .filter(id -> kernel.type(id) instanceof BtfType.Composite)
                .findFirst()
                .orElseThrow();
        int expected = ((BtfType.Composite) kernel.type(task))
                        .members().stream()
                                .filter(member -> member.name().equals("tgid"))
                                .findFirst()
                                .orElseThrow()
                                .bitOffset()
                / 8;
        LoadResult.Loaded loaded = (LoadResult.Loaded) ObjectLoader.load("o", object, () -> Optional.of(kernel));
        InsnList insns = loaded.spec().programs().get("on_task").insns();
        assertThat(insns.insns())
                .anyMatch(insn -> insn instanceof Insn.Alu alu && alu.src().equals(new Operand.Imm(expected)));
        assertThat(insns.insns()).anyMatch(Insn.Poison.class::isInstance);
        assertThat(loaded().spec().programs().get("on_task").insns().insns()).anyMatch(Insn.Poison.class::isInstance);
    }

    @Test
    void keepsSourceLines() {
        ProgSpec write = loaded().spec().programs().get("on_write");
        assertThat(write.lines()).anySatisfy(line -> {
            assertThat(line.file()).endsWith("counts.bpf.c");
            assertThat(line.text()).contains("bump(wanted)");
        });
    }

    @Test
    void refusesOtherFilesWithAReason() {
        LoadResult result = ObjectLoader.load("notes.txt", new byte[100]);
        assertThat(result).isInstanceOfSatisfying(LoadResult.Refused.class, refused -> {
            assertThat(refused.reason()).isEqualTo(LoadResult.Reason.NOT_AN_OBJECT);
            assertThat(refused.why()).contains("not an ELF file");
        });
    }

    @Test
    void refusesDamagedObjectsWithoutAnException() {
        Random random = new Random(11);
        for (int i = 0; i < 3000; i++) {
            byte[] bad = random.nextInt(5) == 0 ? Arrays.copyOf(object, random.nextInt(object.length)) : object.clone();
            for (int k = 1 + random.nextInt(8); k > 0 && bad.length > 0; k--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            }
            assertThat(ObjectLoader.load("damaged", bad)).isNotNull();
        }
    }

    private static LoadResult.Loaded loaded() {
        LoadResult result = ObjectLoader.load("counts.bpf.o", object);
        assertThat(result).isInstanceOf(LoadResult.Loaded.class);
        return (LoadResult.Loaded) result;
    }
}

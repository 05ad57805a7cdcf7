package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.btf.Btf;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Wide;
import graft.platform.elf.ElfFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ExternsTest {
    private static final String DECLARATIONS = """
            #define __kconfig SEC(".kconfig")
            #define __ksym SEC(".ksyms")
            enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };
            """;

    private static KernelFacts configured(String config) {
        return new KernelFacts(List::of, Optional::empty, List::of, () -> Optional.of(config), "6.18.44-cloud");
    }

    /** A kernel with one variable and two functions. */
    private static KernelFacts kernel() {
        byte[] object = Clang.object("""
                int present_variable;
                __attribute__((noinline)) int present(int a) { return a + present_variable; }
                __attribute__((noinline)) int changed(int a, int b) { return a + b; }
                SEC("uprobe") int keep(void *ctx) { return present(1) + changed(2, 3); }
                """);
        try (ElfFile elf = ElfFile.of("kernel", object)) {
            Btf types = Btf.parse(elf.content(elf.section(".BTF").orElseThrow()));
            return KernelFacts.ofTypes(() -> Optional.of(types));
        }
    }

    @Test
    void takesSettingsFromTheKernelsConfiguration() {
        CollectionSpec spec = Clang.load(DECLARATIONS + """
                extern int LINUX_KERNEL_VERSION __kconfig;
                extern _Bool CONFIG_YES __kconfig;
                extern enum libbpf_tristate CONFIG_MODULE __kconfig;
                extern char CONFIG_LETTER __kconfig;
                extern int CONFIG_NUMBER __kconfig;
                extern u64 CONFIG_ADDRESS __kconfig;
                extern const char CONFIG_TEXT[16] __kconfig;
                extern int CONFIG_ABSENT __kconfig __weak;
                #define READ(name) SEC("uprobe") u64 read_##name(void *ctx) { return name; }
                READ(LINUX_KERNEL_VERSION)
                READ(CONFIG_YES)
                READ(CONFIG_MODULE)
                READ(CONFIG_LETTER)
                READ(CONFIG_NUMBER)
                READ(CONFIG_ADDRESS)
                SEC("uprobe") u64 read_CONFIG_TEXT(void *ctx) { return CONFIG_TEXT[1]; }
                READ(CONFIG_ABSENT)
                """, configured("""
                # CONFIG_ABSENT is not set
                CONFIG_YES=y
                CONFIG_MODULE=m
                CONFIG_LETTER=n
                CONFIG_NUMBER=-3
                CONFIG_ADDRESS=0xffffffff81000000
                CONFIG_TEXT="words"
                """));

        MapSpec values = spec.maps().get(".kconfig");
        assertThat(values.access()).isEqualTo(MapSpec.Access.READ_ONLY);
        ByteBuffer bytes = ByteBuffer.wrap(values.content().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.getInt(offset(spec, "LINUX_KERNEL_VERSION"))).isEqualTo((6 << 16) + (18 << 8) + 44);
        assertThat(bytes.get(offset(spec, "CONFIG_YES"))).isEqualTo((byte) 1);
        assertThat(bytes.getInt(offset(spec, "CONFIG_MODULE"))).isEqualTo(2);
        assertThat(bytes.get(offset(spec, "CONFIG_LETTER"))).isEqualTo((byte) 'n');
        assertThat(bytes.getInt(offset(spec, "CONFIG_NUMBER"))).isEqualTo(-3);
        assertThat(bytes.getLong(offset(spec, "CONFIG_ADDRESS"))).isEqualTo(0xffffffff81000000L);
        assertThat(bytes.get(offset(spec, "CONFIG_TEXT"))).isEqualTo((byte) 'w');
        assertThat(bytes.getInt(offset(spec, "CONFIG_ABSENT"))).isZero();
    }

    /** Where in {@code .kconfig} the program looks that reads a variable. */
    private static int offset(CollectionSpec spec, String variable) {
        return spec.programs().get("read_" + variable).insns().insns().stream()
                .filter(Insn.LoadWide.class::isInstance)
                .mapToInt(insn -> (int) ((Wide.MapValue) ((Insn.LoadWide) insn).value()).offset())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void refusesSettingsThatTheConfigurationDoesNotHave() {
        assertThat(Clang.refusal(DECLARATIONS + """
                extern int CONFIG_ABSENT __kconfig;
                SEC("uprobe") int on_call(void *ctx) { return CONFIG_ABSENT; }
                """, configured("CONFIG_OTHER=y")))
                .hasValueSatisfying(refused -> {
                    assertThat(refused.reason()).isEqualTo(LoadResult.Reason.UNRESOLVED_EXTERN);
                    assertThat(refused.toString()).contains("CONFIG_ABSENT", "__weak");
                });
    }

    @Test
    void refusesSettingsThatDoNotFit() {
        assertThat(Clang.refusal(DECLARATIONS + """
                extern char CONFIG_LARGE __kconfig;
                SEC("uprobe") int on_call(void *ctx) { return CONFIG_LARGE; }
                """, configured("CONFIG_LARGE=4096")))
                .hasValueSatisfying(refused -> assertThat(refused.why()).contains("4096", "too much"));
    }

    @Test
    void weakVariablesOfTheKernelAreZeroWhereItHasThemNot() {
        CollectionSpec spec = Clang.load(DECLARATIONS + """
                extern int present_variable __ksym __weak;
                extern int absent_variable __ksym __weak;
                SEC("uprobe") u64 on_call(void *ctx) { return (u64) &present_variable + (u64) &absent_variable; }
                """, kernel());

        assertThat(spec.programs().get("on_call").insns().insns())
                .filteredOn(Insn.LoadWide.class::isInstance)
                .extracting(insn -> ((Insn.LoadWide) insn).value())
                .containsExactlyInAnyOrder(new Wide.KernelSymbol("present_variable"), new Wide.Constant(0));
    }

    @Test
    void weakFunctionsOfTheKernelThatAreAbsentOrDifferentMustNotRun() {
        CollectionSpec spec = Clang.load(DECLARATIONS + """
                extern int present___new(int a) __ksym __weak;
                extern int changed(int a) __ksym __weak;
                extern int absent(void) __ksym __weak;
                SEC("uprobe") int on_call(void *ctx) { return present___new(1) + changed(2) + absent(); }
                """, kernel());

        List<Insn> insns = spec.programs().get("on_call").insns().insns();
        assertThat(insns).contains(new Insn.CallKernelFunction("present"));
        assertThat(insns)
                .filteredOn(Insn.Poison.class::isInstance)
                .extracting(insn -> ((Insn.Poison) insn).reason())
                .containsExactly("the kernel has no such function changed", "the kernel has no such function absent");
    }
}

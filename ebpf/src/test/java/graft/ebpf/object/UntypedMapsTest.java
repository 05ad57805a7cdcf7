package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Wide;
import org.junit.jupiter.api.Test;

class UntypedMapsTest {
    private static final String PROGRAM = """
            SEC("uprobe") int on_call(void *ctx) {
                int key = 0;
                return ((void *(*)(void *, const void *)) 1)(&%s, &key) != 0;
            }
            """;

    @Test
    void readsTheKernelsDefinitions() {
        CollectionSpec spec = Clang.load("""
                struct bpf_map_def { u32 type, key_size, value_size, max_entries, map_flags; };
                struct bpf_map_def first SEC("maps") = {1, 4, 8, 100, 1};
                struct bpf_map_def second SEC("maps") = {2, 4, 16, 3, 0};
                """ + PROGRAM.formatted("second"), KernelFacts.NONE);

        assertThat(spec.maps().keySet()).containsExactly("first", "second");
        MapSpec first = spec.maps().get("first");
        assertThat(first.type()).isEqualTo(MapType.HASH);
        assertThat(first.maxEntries()).isEqualTo(100);
        assertThat(first.flags()).isEqualTo(MapSpec.NO_PREALLOC);
        assertThat(spec.maps().get("second").valueSize()).isEqualTo(16);
        assertThat(spec.programs().get("on_call").insns().insns())
                .filteredOn(Insn.LoadWide.class::isInstance)
                .extracting(insn -> ((Insn.LoadWide) insn).value())
                .containsExactly(new Wide.MapPointer("second"));
    }

    @Test
    void readsDefinitionsWithIdAndPinning() {
        CollectionSpec spec = Clang.load("""
                struct bpf_map_def { u32 type, key_size, value_size, max_entries, map_flags, id, pinning; };
                struct bpf_map_def EVENTS SEC("maps") = {4, 0, 0, 0, 0, 0, 1};
                struct bpf_map_def COUNTS SEC("maps") = {27, 0, 0, 5000, 0, 0, 0};
                """ + PROGRAM.formatted("COUNTS"), KernelFacts.NONE);

        assertThat(spec.maps().get("EVENTS").keySize()).isEqualTo(4);
        assertThat(spec.maps().get("EVENTS").valueSize()).isEqualTo(4);
        assertThat(spec.maps().get("COUNTS").maxEntries()).isEqualTo(8192);
    }

    @Test
    void findsTheInnerMapByItsId() {
        CollectionSpec spec = Clang.load("""
                struct bpf_elf_map { u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx; };
                struct bpf_elf_map inner SEC("maps") = {2, 4, 24, 7, 0, 9, 0, 0, 0};
                struct bpf_elf_map outer SEC("maps") = {12, 4, 4, 2, 0, 0, 0, 9, 0};
                """ + PROGRAM.formatted("outer"), KernelFacts.NONE);

        assertThat(spec.maps().get("outer").inner())
                .hasValueSatisfying(inner -> assertThat(inner.valueSize()).isEqualTo(24));
        assertThat(spec.maps().get("inner").inner()).isEmpty();
    }

    @Test
    void refusesDefinitionsThatAreTooShort() {
        assertThat(Clang.refusal("""
                struct half { u32 type, key_size; };
                struct half counts SEC("maps") = {1, 4};
                """ + PROGRAM.formatted("counts"), KernelFacts.NONE))
                .hasValueSatisfying(refused -> {
                    assertThat(refused.reason()).isEqualTo(LoadResult.Reason.BAD_MAP);
                    assertThat(refused.toString()).contains("counts", "8 bytes");
                });
    }
}

package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MapReaderTest {
    private static final String PROGRAM = """
            SEC("uprobe") int on_call(void *ctx) { return 0; }
            SEC("uprobe") int other(void *ctx) { return 1; }
            """;

    @Test
    void knowsWhatArraysOfProgramsHoldAtFirst() {
        MapSpec jumps = Clang.load("""
                int on_call(void *ctx);
                int other(void *ctx);
                struct {
                    __uint(type, 3);
                    __uint(max_entries, 4);
                    __uint(key_size, 4);
                    __array(values, int (void *));
                } jumps SEC(".maps") = { .values = { [1] = (void *) &other, [3] = (void *) &on_call } };
                """ + PROGRAM, KernelFacts.NONE).maps().get("jumps");

        assertThat(jumps.type()).isEqualTo(MapType.PROG_ARRAY);
        assertThat(jumps.valueSize()).isEqualTo(4);
        assertThat(jumps.inner()).isEmpty();
        assertThat(jumps.slots())
                .containsExactlyInAnyOrder(new MapSpec.Slot(1, "other"), new MapSpec.Slot(3, "on_call"));
    }

    @Test
    void knowsWhatMapsOfMapsHoldAtFirst() {
        CollectionSpec spec = Clang.load("""
                struct shape { __uint(type, 2); __uint(max_entries, 8); __type(key, u32); __type(value, u64); };
                struct shape first SEC(".maps");
                struct shape second SEC(".maps");
                struct {
                    __uint(type, 12);
                    __uint(max_entries, 2);
                    __type(key, u32);
                    __array(values, struct shape);
                } outer SEC(".maps") = { .values = { &first, &second } };
                """ + PROGRAM, KernelFacts.NONE);

        MapSpec outer = spec.maps().get("outer");
        assertThat(outer.slots())
                .containsExactlyInAnyOrder(new MapSpec.Slot(0, "first"), new MapSpec.Slot(1, "second"));
        assertThat(outer.inner())
                .hasValueSatisfying(inner -> assertThat(inner.maxEntries()).isEqualTo(8));
        assertThat(spec.maps().keySet()).contains("first", "second");
    }

    @Test
    void readsNumbersWrittenAsEnumerations() {
        MapSpec counts = Clang.load("""
                #define __ulong(name, val) enum { unique_##name = val } name
                struct {
                    __uint(type, 1);
                    __ulong(max_entries, 77);
                    __ulong(map_extra, 3);
                    __uint(numa_node, 0);
                    __uint(pinning, 1);
                    __type(key, u64);
                    __type(value, char[24]);
                    __uint(value_size, 24);
                } counts SEC(".maps");
                """ + PROGRAM, KernelFacts.NONE).maps().get("counts");

        assertThat(counts.maxEntries()).isEqualTo(77);
        assertThat(counts.valueSize()).isEqualTo(24);
    }

    @Test
    void mapsThatOutliveSessionsArePinnedByName() {
        String definitions = """
                struct {
                    __uint(type, 1);
                    __uint(max_entries, 4);
                    __uint(pinning, %d);
                    __type(key, u32);
                    __type(value, u32);
                } kept SEC(".maps");
                struct {
                    __uint(type, 27);
                    __uint(max_entries, 4096);
                    __uint(pinning, 1);
                } events SEC(".maps");
                """;
        assertThat(Clang.load(definitions.formatted(1) + PROGRAM, KernelFacts.NONE)
                        .pinned())
                .containsExactly("kept");
        assertThat(Clang.load(definitions.formatted(0) + PROGRAM, KernelFacts.NONE)
                        .pinned())
                .isEmpty();
        assertThat(Clang.refusal(definitions.formatted(2) + PROGRAM, KernelFacts.NONE))
                .hasValueSatisfying(
                        refused -> assertThat(refused.toString()).contains("pinning is 2", "LIBBPF_PIN_BY_NAME"));
    }

    @Test
    void refusesSizesThatContradictTheTypes() {
        assertThat(Clang.refusal("""
                struct {
                    __uint(type, 1);
                    __uint(max_entries, 1);
                    __type(key, u64);
                    __uint(key_size, 4);
                    __uint(value_size, 4);
                } counts SEC(".maps");
                """ + PROGRAM, KernelFacts.NONE))
                .hasValueSatisfying(
                        refused -> assertThat(refused.toString()).contains("counts", "8 bytes", "key_size says 4"));
    }
}

package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernel is the oracle: the same calls on its maps give the same errnos. Needs root. */
class MapAccessTest {
    private static final int RDONLY = 1 << 3;
    private static final int WRONLY = 1 << 4;

    private static MapSpec spec(MapType type, int[] sizes, int flags, long extra) {
        MapSpec plain = MapSpec.of("of_access", type, sizes[0], sizes[1], sizes[2]);
        return new MapSpec.Builder(plain.name(), type)
                .sizes(sizes[0], sizes[1], sizes[2])
                .flags(flags)
                .inner(plain.inner())
                .extra(extra)
                .build();
    }

    private static int[] sizes(int key, int value, int entries) {
        return new int[] {key, value, entries};
    }

    static Stream<MapSpec> specs() {
        return Stream.of(
                spec(MapType.ARRAY, sizes(4, 8, 3), 0, 0),
                spec(MapType.ARRAY, sizes(4, 8, 3), RDONLY, 0),
                spec(MapType.ARRAY, sizes(4, 8, 3), WRONLY, 0),
                spec(MapType.ARRAY, sizes(4, 8, 3), MapSpec.READ_ONLY_FOR_PROGRAMS, 0),
                spec(MapType.PERCPU_ARRAY, sizes(4, 12, 3), 0, 0),
                spec(MapType.HASH, sizes(4, 24, 3), 0, 0),
                spec(MapType.HASH, sizes(4, 24, 3), RDONLY, 0),
                spec(MapType.HASH, sizes(4, 24, 3), WRONLY, 0),
                spec(MapType.PERCPU_HASH, sizes(4, 4, 3), 0, 0),
                spec(MapType.LRU_HASH, sizes(4, 4, 3), 0, 0),
                spec(MapType.LRU_PERCPU_HASH, sizes(4, 4, 300), 0, 0),
                spec(MapType.LPM_TRIE, sizes(8, 4, 3), MapSpec.NO_PREALLOC, 0),
                spec(MapType.QUEUE, sizes(0, 4, 3), 0, 0),
                spec(MapType.QUEUE, sizes(0, 4, 3), RDONLY, 0),
                spec(MapType.STACK, sizes(0, 4, 3), 0, 0),
                spec(MapType.STACK, sizes(0, 4, 3), WRONLY, 0),
                spec(MapType.BLOOM_FILTER, sizes(0, 4, 3), 0, 0),
                spec(MapType.STACK_TRACE, sizes(4, 64, 3), 0, 0),
                spec(MapType.PROG_ARRAY, sizes(4, 4, 3), 0, 0),
                spec(MapType.RINGBUF, sizes(0, 0, 4096), 0, 0),
                spec(MapType.USER_RINGBUF, sizes(0, 0, 4096), 0, 0),
                spec(MapType.CGROUP_ARRAY, sizes(4, 4, 3), 0, 0),
                spec(MapType.ARENA, sizes(0, 0, 4), MapSpec.MMAPABLE, 0));
    }

    @ParameterizedTest
    @MethodSource("specs")
    void errnosAreTheKernels(MapSpec spec) {
        try (BpfMap map = ((MapCreation.Created) MapCreation.create(spec)).map();
                NativeFd kernel = Bpf.mapCreate(new Bpf.MapAttributes(
                        spec.name(),
                        spec.type().number(),
                        spec.keySize(),
                        spec.valueSize(),
                        spec.maxEntries(),
                        spec.flags(),
                        0,
                        0,
                        0,
                        spec.extra()))) {
            for (int key = 0; key < 5; key += 2) {
                assertThat(ours(new MapAccess(map), spec, key))
                        .as("key %d", key)
                        .isEqualTo(kernels(kernel, new MapAccess(map), spec, key));
            }
        }
    }

    private static byte[] key(MapSpec spec, int key) {
        byte[] bytes = new byte[spec.keySize()];
        if (bytes.length > 0) {
            bytes[0] = (byte) key;
        }
        return bytes;
    }

    private static byte[] value(MapAccess access) {
        byte[] value = new byte[access.valueBytes()];
        if (value.length > 0) {
            value[0] = 1;
        }
        return value;
    }

    private static List<String> ours(MapAccess access, MapSpec spec, int number) {
        List<String> answers = new ArrayList<>();
        byte[] key = key(spec, number);
        boolean isFilter = spec.type() == MapType.BLOOM_FILTER;
        answers.add("lookup " + access.lookup(isFilter ? value(access) : key).error());
        if (spec.type() != MapType.PROG_ARRAY) { // there the kernel takes a descriptor
            for (long flags = 0; flags < 4; flags++) {
                answers.add("update " + access.update(key, value(access), flags));
            }
        }
        answers.add("lookup " + access.lookup(isFilter ? value(access) : key).error());
        if (spec.keySize() == 0) {
            answers.add("take " + access.take().error());
        }
        answers.add("delete " + access.delete(key));
        return answers;
    }

    private static List<String> kernels(NativeFd map, MapAccess access, MapSpec spec, int number) {
        List<String> answers = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment key = spec.keySize() == 0 ? MemorySegment.NULL : arena.allocate(spec.keySize(), 8);
            if (spec.keySize() > 0) {
                key.copyFrom(MemorySegment.ofArray(key(spec, number)));
            }
            MemorySegment value = arena.allocate(Math.max(access.valueBytes(), 8), 8);
            MemorySegment set = arena.allocate(Math.max(access.valueBytes(), 8), 8);
            set.copyFrom(MemorySegment.ofArray(value(access)));
            MemorySegment found = spec.type() == MapType.BLOOM_FILTER ? set : value;
            answers.add("lookup " + Bpf.mapLookup(map, key, found));
            if (spec.type() != MapType.PROG_ARRAY) {
                for (long flags = 0; flags < 4; flags++) {
                    answers.add("update " + Bpf.mapUpdate(map, key, set, flags));
                }
            }
            answers.add("lookup " + Bpf.mapLookup(map, key, found));
            if (spec.keySize() == 0) {
                answers.add("take " + Bpf.mapLookupAndDelete(map, key, value));
            }
            answers.add("delete " + Bpf.mapDelete(map, key));
        }
        return answers;
    }

    @Test
    void whatOnlyTheKernelKnowsIsRefusedWithTheReason() {
        MapCreation creation = MapCreation.create(MapSpec.of("groups", MapType.CGRP_STORAGE, 4, 4, 1));
        assertThat(creation).hasToString("""
                map groups: its type CGRP_STORAGE is not available in user space
                  try: --where kernel""");
    }

    @Test
    void whatObjectsFreezeIsNotWritten() {
        MapSpec plain = MapSpec.of(".rodata", MapType.ARRAY, 4, 8, 1);
        MapSpec frozen = plain.but()
                .sizes(4, 8, 1)
                .flags(MapSpec.READ_ONLY_FOR_PROGRAMS)
                .content(new MapSpec.Content(new byte[] {7}))
                .access(MapSpec.Access.READ_ONLY)
                .build();
        try (BpfMap map = ((MapCreation.Created) MapCreation.create(frozen)).map()) {
            MapAccess access = new MapAccess(map);
            assertThat(access.update(new byte[4], new byte[8], 0)).isEqualTo(Errno.EPERM);
            assertThat(access.lookup(new byte[4]).value()).startsWith(7);
        }
    }

    @Test
    void aQueueIsListedWithoutTakingAnything() {
        try (BpfMap map = ((MapCreation.Created) MapCreation.create(MapSpec.of("q", MapType.QUEUE, 0, 4, 3))).map()) {
            MapAccess access = new MapAccess(map);
            for (byte i = 1; i < 4; i++) {
                assertThat(access.update(new byte[0], new byte[] {i, 0, 0, 0}, 0))
                        .isZero();
            }
            for (int pass = 0; pass < 2; pass++) {
                List<Byte> seen = new ArrayList<>();
                assertThat(access.entries((_, value) -> seen.add(value[0]))).isZero();
                assertThat(seen).containsExactly((byte) 1, (byte) 2, (byte) 3);
            }
            assertThat(access.take().value()).startsWith(1);
        }
    }
}

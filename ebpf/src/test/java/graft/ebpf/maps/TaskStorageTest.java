package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.btf.BtfBuilder;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.StorageLayout;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Pidfd;
import graft.platform.linux.SysException;
import graft.platform.proc.ThreadLimit;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Values for threads, reached by descriptors of processes: the kernel is the oracle. Needs root. */
class TaskStorageTest {
    private static final int OPERATIONS = 5000;
    private static final int NO_DESCRIPTOR = 9999;
    private static final int CLONE = 1 << 9;
    private static final int THREAD = 0x80;

    private static MapSpec spec(int keySize, int valueSize, int entries, int flags) {
        return new MapSpec.Builder("of_tasks", MapType.TASK_STORAGE)
                .sizes(keySize, valueSize, entries)
                .flags(flags)
                .types(OptionalInt.of(1), OptionalInt.of(1))
                .build();
    }

    private static NativeFd types() {
        BtfBuilder types = new BtfBuilder();
        types.integer(types.reserve(), "int", Integer.BYTES, 1);
        return Bpf.btfLoad(types.bytes());
    }

    private static NativeFd kernels(MapSpec spec, NativeFd types) {
        return Bpf.mapCreate(new Bpf.MapAttributes(
                spec.name(),
                spec.type().number(),
                spec.keySize(),
                spec.valueSize(),
                spec.maxEntries(),
                spec.flags(),
                types.number(),
                1,
                1,
                0));
    }

    private static TaskStorageMap ours(MapSpec spec) {
        return (TaskStorageMap) ((MapCreation.Created) MapCreation.create(spec)).map();
    }

    static Stream<MapSpec> blueprints() {
        int flags = MapSpec.NO_PREALLOC;
        return Stream.of(
                spec(4, 4, 0, flags),
                spec(4, 4, 0, flags | CLONE),
                spec(4, 4, 0, 0),
                spec(4, 4, 0, flags | 2),
                spec(4, 4, 0, flags | MapSpec.READ_ONLY_FOR_PROGRAMS),
                spec(4, 4, 0, flags | MapSpec.MMAPABLE),
                spec(4, 4, 1, flags),
                spec(8, 4, 0, flags),
                spec(0, 4, 0, flags),
                spec(4, 0, 0, flags));
    }

    @ParameterizedTest
    @MethodSource("blueprints")
    void theSameBlueprintsArePossible(MapSpec spec) {
        boolean kernel;
        try (NativeFd types = types();
                NativeFd map = kernels(spec, types)) {
            kernel = map.number() >= 0;
        } catch (SysException refused) {
            kernel = false;
        }
        MapCreation ours = MapCreation.create(spec);
        if (ours instanceof MapCreation.Created(var map)) {
            map.close();
        }
        assertThat(ours instanceof MapCreation.Created).as("%s", ours).isEqualTo(kernel);
    }

    @Test
    void withoutTypesThereIsNoStorage() {
        MapSpec untyped = MapSpec.of("of_tasks", MapType.TASK_STORAGE, 4, 4, 0);
        MapSpec spec = untyped.but().sizes(4, 4, 0).flags(MapSpec.NO_PREALLOC).build();
        assertThat(MapCreation.create(spec).toString()).contains("needs a 4-byte key and the types of key and value");
    }

    /** Descriptors of living processes and threads, of one that has ended, of no process, and none. */
    @Test
    void answersAreTheKernels() throws IOException, InterruptedException {
        MapSpec spec = spec(4, 4, 0, MapSpec.NO_PREALLOC);
        Process ended = new ProcessBuilder("sleep", "1000").start();
        Process other = new ProcessBuilder("sleep", "1000").start();
        try (NativeFd types = types();
                NativeFd kernel = kernels(spec, types);
                TaskStorageMap map = ours(spec);
                NativeFd dead = Pidfd.open((int) ended.pid(), 0);
                NativeFd lives = Pidfd.open((int) other.pid(), 0);
                NativeFd own = Pidfd.open((int) ProcessHandle.current().pid(), THREAD);
                Arena arena = Arena.ofConfined()) {
            ended.destroy();
            ended.waitFor();
            int[] keys = {dead.number(), lives.number(), own.number(), types.number(), NO_DESCRIPTOR, -1};
            Operations operations = new Operations(new MapAccess(map), kernel, arena, spec);
            Random random = new Random(1);
            for (int i = 0; i < OPERATIONS; i++) {
                int key = keys[random.nextInt(keys.length)];
                List<Object> both = operations.next(random, key);
                assertThat(both.getFirst()).as("operation %d, %s", i, both).isEqualTo(both.getLast());
            }
            assertThat(map.freeze()).isEqualTo(-Bpf.tryMapFreeze(kernel));
            for (int key : keys) {
                List<Object> both = operations.next(random, key);
                assertThat(both.getFirst()).as("frozen, %s", both).isEqualTo(both.getLast());
            }
        } finally {
            other.destroy();
            other.waitFor();
        }
    }

    /** One random operation on both maps. */
    private record Operations(MapAccess ours, NativeFd kernel, Arena arena, MapSpec spec) {
        List<Object> next(Random random, int descriptor) {
            byte[] key = MapBytes.ofInt(descriptor);
            byte[] value = new byte[spec.valueSize()];
            random.nextBytes(value);
            MemorySegment keyMemory = arena.allocate(8, 8).copyFrom(MemorySegment.ofArray(key));
            MemorySegment memory = arena.allocate(16, 8);
            return switch (random.nextInt(3)) {
                case 0 -> {
                    MapAccess.Answer answer = ours.lookup(key);
                    int errno = Bpf.mapLookup(kernel, keyMemory, memory);
                    byte[] found = memory.asSlice(0, value.length).toArray(ValueLayout.JAVA_BYTE);
                    yield List.of(
                            "lookup " + answer.error() + text(answer.value()),
                            "lookup " + errno + text(errno == 0 ? found : new byte[0]));
                }
                case 1 -> {
                    long flags = random.nextInt(12);
                    MemorySegment.copy(value, 0, memory, ValueLayout.JAVA_BYTE, 0, value.length);
                    yield List.of(
                            "update %d: %d".formatted(flags, ours.update(key, value, flags)),
                            "update %d: %d".formatted(flags, Bpf.mapUpdate(kernel, keyMemory, memory, flags)));
                }
                default -> List.of("delete " + ours.delete(key), "delete " + Bpf.mapDelete(kernel, keyMemory));
            };
        }

        private static String text(byte[] value) {
            return " " + java.util.HexFormat.of().formatHex(value);
        }
    }

    @Test
    void everyThreadThatThereCanBeHasRoom() {
        try (TaskStorageMap map = ours(spec(4, 100, 0, MapSpec.NO_PREALLOC))) {
            assertThat(map.capacity()).isEqualTo(ThreadLimit.numbers());
        }
    }

    @Test
    void aFormerThreadsValueIsNotTheNextOnes() throws IOException, InterruptedException {
        MapSpec spec = spec(4, 4, 0, MapSpec.NO_PREALLOC);
        Process process = new ProcessBuilder("sleep", "1000").start();
        int number = (int) process.pid();
        try (TaskStorageMap map = ours(spec)) {
            assertThat(map.update(number, new byte[] {1, 2, 3, 4}, KeyedMap.ANY))
                    .isZero();
            assertThat(map.threads()).containsExactly(number);
            map.core.update(MapBytes.ofInt(number), new byte[StorageLayout.SIZE + 4], KeyedMap.EXIST);
            assertThat(map.lookup(number)).isEmpty();
            assertThat(map.threads()).isEmpty();
            assertThat(map.delete(number)).isEqualTo(-Errno.ENOENT);
            assertThat(map.update(number, new byte[4], KeyedMap.NOEXIST)).isZero();
            map.forgetEnded();
            assertThat(map.lookup(number)).isPresent();
        } finally {
            process.destroy();
            process.waitFor();
        }
        try (TaskStorageMap map = ours(spec)) {
            assertThat(map.update(number, new byte[4], KeyedMap.ANY)).isEqualTo(-Errno.ENOENT);
            List<byte[]> seen = new ArrayList<>();
            assertThat(new MapAccess(map).entries((key, _) -> seen.add(key))).isZero();
            assertThat(seen).isEmpty();
        }
    }
}

package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Bpf;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernel is the oracle: the same random operations give the same results and errnos. */
final class KernelMapsTest {
    private static final int OPERATIONS = 25_000;

    @ParameterizedTest
    @CsvSource({
        "ARRAY, 4, 8, 50",
        "ARRAY, 4, 13, 7",
        "PERCPU_ARRAY, 4, 12, 20",
        "HASH, 4, 4, 40",
        "HASH, 8, 8, 1",
        "HASH, 24, 24, 60",
        "HASH, 5, 3, 33",
        "PERCPU_HASH, 4, 8, 30",
        "PERCPU_HASH, 12, 20, 17",
        "LRU_HASH, 4, 8, 1000",
        "LRU_HASH, 24, 24, 1000",
        "LRU_PERCPU_HASH, 8, 8, 1000"
    })
    void answersAsTheKernel(MapType type, int keySize, int valueSize, int entries) {
        MapSpec spec = MapSpec.of("differential", type, keySize, valueSize, entries);
        // Which elements an LRU map drops is not promised, nor is it that the kernel's drops none before it is full.
        int different = type.isLru() ? entries / 10 : entries + entries / 2 + 1;
        Random random = new Random(keySize * 31L + valueSize);
        try (KeyedMap ours = (KeyedMap) ((MapCreation.Created) MapCreation.create(spec)).map();
                NativeFd kernel = Bpf.mapCreate(
                        new Bpf.MapAttributes(spec.name(), type.number(), keySize, valueSize, entries, 0, 0, 0, 0));
                Arena arena = Arena.ofConfined()) {
            Both both = new Both(ours, kernel, arena.allocate(keySize, 8), arena.allocate(ours.valueBytes(), 8));
            for (int i = 0; i < OPERATIONS; i++) {
                byte[] key = key(random, keySize, different);
                switch (random.nextInt(8)) {
                    case 0, 1, 2 -> both.lookup(key);
                    case 3, 4, 5 ->
                        both.update(key, value(random, spec, ours), random.nextInt(20) == 0 ? 7 : random.nextInt(3));
                    case 6 -> both.delete(key);
                    default ->
                        assertThat(ours.nextKey(key).isPresent() || ours.keys().size() <= entries)
                                .isTrue();
                }
            }
            assertThat(both.ourKeys()).isEqualTo(both.kernelKeys());
        }
    }

    private static byte[] key(Random random, int size, int different) {
        byte[] key = new byte[size];
        int number = random.nextInt(different);
        if (size == Integer.BYTES) {
            MapBytes.putInt(key, 0, number);
        } else {
            Arrays.fill(key, (byte) (number * 7));
            key[size - 1] = (byte) number;
        }
        return key;
    }

    /** Per-CPU values with zero padding: the kernel copies padding too, and does not keep it. */
    private static byte[] value(Random random, MapSpec spec, KeyedMap map) {
        byte[] value = new byte[map.valueBytes()];
        random.nextBytes(value);
        int stride = (spec.valueSize() + 7) & -8;
        for (int at = spec.valueSize(); at < value.length; at++) {
            if (at % stride >= spec.valueSize()) {
                value[at] = 0;
            }
        }
        return value;
    }

    private record Both(KeyedMap ours, NativeFd kernel, MemorySegment key, MemorySegment value) {
        void lookup(byte[] wanted) {
            key.copyFrom(MemorySegment.ofArray(wanted));
            int errno = Bpf.mapLookup(kernel, key, value);
            assertThat(errno).isIn(0, Errno.ENOENT);
            assertThat(ours.lookup(wanted).map(HexFormat.of()::formatHex))
                    .isEqualTo(
                            errno == 0
                                    ? java.util.Optional.of(
                                            HexFormat.of().formatHex(value.toArray(ValueLayout.JAVA_BYTE)))
                                    : java.util.Optional.empty());
        }

        void update(byte[] at, byte[] to, long flags) {
            key.copyFrom(MemorySegment.ofArray(at));
            value.copyFrom(MemorySegment.ofArray(to));
            assertThat(ours.update(at, to, flags)).isEqualTo(-Bpf.mapUpdate(kernel, key, value, flags));
        }

        void delete(byte[] at) {
            key.copyFrom(MemorySegment.ofArray(at));
            assertThat(ours.delete(at)).isEqualTo(-Bpf.mapDelete(kernel, key));
        }

        TreeSet<String> ourKeys() {
            List<byte[]> walked = new ArrayList<>();
            for (var next = ours.firstKey(); next.isPresent(); next = ours.nextKey(next.get())) {
                walked.add(next.get());
            }
            assertThat(walked).hasSameSizeAs(ours.keys());
            TreeSet<String> keys = new TreeSet<>();
            walked.forEach(key -> keys.add(HexFormat.of().formatHex(key)));
            assertThat(keys).hasSameSizeAs(walked);
            return keys;
        }

        TreeSet<String> kernelKeys() {
            TreeSet<String> keys = new TreeSet<>();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment next = arena.allocate(key.byteSize(), 8);
                int errno = Bpf.mapNextKey(kernel, MemorySegment.NULL, next);
                while (errno == 0) {
                    keys.add(HexFormat.of().formatHex(next.toArray(ValueLayout.JAVA_BYTE)));
                    key.copyFrom(next);
                    errno = Bpf.mapNextKey(kernel, key, next);
                }
            }
            return keys;
        }
    }
}

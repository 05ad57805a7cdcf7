package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.QueueLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is in a pinned map is there again when it is opened again, and nobody else has it meanwhile. */
class PinnedMapTest {
    private static final byte[] TYPES = {1, 2, 3};

    /** More than any process has: {@code PID_MAX_LIMIT} is 2^22. */
    private static final long DEAD = 1 << 23;

    @TempDir
    private Path folder;

    private BpfMap open(MapSpec spec) {
        MapCreation creation = PinnedMap.open(folder.resolve("pin"), spec, TYPES);
        assertThat(creation).isInstanceOf(MapCreation.Created.class);
        return ((MapCreation.Created) creation).map();
    }

    private String refused(MapSpec spec) {
        MapCreation creation = PinnedMap.open(folder.resolve("pin"), spec, TYPES);
        assertThat(creation).isInstanceOf(MapCreation.Refused.class);
        return creation.toString();
    }

    private static MapSpec spec(MapType type) {
        return switch (type) {
            case QUEUE, STACK, BLOOM_FILTER -> MapSpec.of("pin", type, 0, 8, 16);
            case LPM_TRIE ->
                new MapSpec.Builder("pin", type)
                        .sizes(8, 8, 16)
                        .flags(MapSpec.NO_PREALLOC)
                        .build();
            default -> MapSpec.of("pin", type, 4, 8, 16);
        };
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "ARRAY",
                "PERCPU_ARRAY",
                "HASH",
                "PERCPU_HASH",
                "LRU_HASH",
                "LRU_PERCPU_HASH",
                "LPM_TRIE",
                "QUEUE",
                "STACK",
                "BLOOM_FILTER"
            })
    void whatIsInItStays(MapType type) {
        MapSpec spec = spec(type);
        byte[] key = new byte[spec.keySize()];
        if (key.length > 0) {
            key[0] = 3;
        }
        byte[] value;
        try (BpfMap map = open(spec)) {
            MapAccess access = new MapAccess(map);
            value = new byte[access.valueBytes()];
            value[0] = 77;
            assertThat(access.update(key, value, 0)).isZero();
        }
        for (int again = 0; again < 2; again++) {
            try (BpfMap map = open(spec)) {
                MapAccess access = new MapAccess(map);
                assertThat(access.lookup(type == MapType.BLOOM_FILTER ? value : key)
                                .value())
                        .isEqualTo(value);
                assertThat(access.update(key, value, 0)).isZero();
            }
        }
    }

    @Test
    void itsFileSaysWhatItIsAndIsItsOwnersAlone() throws IOException {
        MapSpec spec = spec(MapType.HASH);
        open(spec).close();
        Path file = folder.resolve("pin");
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        Optional<PinDefinition> definition = PinDefinition.read(file);
        assertThat(definition).isPresent();
        assertThat(definition.get().spec()).isEqualTo(spec);
        assertThat(definition.get().btf()).isEqualTo(TYPES);
    }

    @Test
    void anotherDefinitionIsRefused() {
        open(spec(MapType.HASH)).close();
        assertThat(refused(MapSpec.of("pin", MapType.HASH, 4, 16, 16))).contains("value_size 8, not 16", "remove ");
        assertThat(refused(MapSpec.of("pin", MapType.LRU_HASH, 4, 8, 16))).contains("type HASH, not LRU_HASH");
        assertThat(refused(MapSpec.of("pin", MapType.HASH, 4, 8, 17))).contains("max_entries 16, not 17");
        assertThat(refused(MapSpec.of("pin", MapType.RINGBUF, 0, 0, 4096))).contains("cannot be pinned");
    }

    @Test
    void oneHasItAtATime() {
        try (BpfMap _ = open(spec(MapType.HASH))) {
            assertThat(refused(spec(MapType.HASH))).contains("another session uses its pin");
        }
        open(spec(MapType.HASH)).close();
    }

    @Test
    void filesThatAreNoMapsAreLeftAsTheyAre() throws IOException {
        for (String text : List.of("", "short", "a text that is longer than a number")) {
            Files.writeString(folder.resolve("pin"), text);
            assertThat(refused(spec(MapType.HASH))).contains("is no pinned map");
            assertThat(folder.resolve("pin")).hasContent(text);
        }
    }

    @Test
    void whatADeadProcessHeldIsFreeAgain() {
        MapSpec hash = spec(MapType.HASH);
        try (HashTable map = (HashTable) open(hash)) {
            for (long at = HashLayout.SIZE; at < HashLayout.SIZE + 4 * BucketLayout.SIZE; at += BucketLayout.SIZE) {
                map.region.setLong(at + BucketLayout.LOCK, DEAD << 32 | 1);
            }
            assertThat(map.lockHolders()).containsExactly((int) DEAD);
        }
        try (HashTable map = (HashTable) open(hash)) {
            assertThat(map.lockHolders()).isEmpty();
            for (byte key = 0; key < 16; key++) {
                assertThat(map.update(new byte[] {key, 0, 0, 0}, new byte[8], 0))
                        .isZero();
            }
        }
    }

    @Test
    void whatALivingProcessHoldsStaysItsOwn() {
        MapSpec queue = spec(MapType.QUEUE);
        long parent = ProcessHandle.current().parent().orElseThrow().pid();
        try (QueueMap map = (QueueMap) open(queue)) {
            map.region.setLong(QueueLayout.LOCK, parent << 32 | 1);
        }
        try (QueueMap map = (QueueMap) open(queue)) {
            assertThat(map.lockHolders()).containsExactly((int) parent);
        }
    }

    @Test
    void whatAKilledProcessHadBegunIsRemoved() throws IOException {
        Files.writeString(folder.resolve("." + DEAD + "-12ab"), "");
        Files.writeString(folder.resolve("." + ProcessHandle.current().pid() + "-12ab"), "");
        open(spec(MapType.ARRAY)).close();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "pin", "." + ProcessHandle.current().pid() + "-12ab");
        }
    }
}

package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.HashLayout;
import graft.platform.linux.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One hash map between agents in other processes and the daemon's side here. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HashMapTest {
    private static final int MAX = 256;
    private static final int OPERATIONS = 200_000;
    /** Of processes, in each test that kills some. */
    private static final int DEATHS = Integer.getInteger("graft.deaths", 40);

    /** Longer than 50 yields on an idle machine, less than others wait. */
    private static final int HELD_MILLIS = 3;

    private static final int TIMES_HELD = 20;
    /** Of 780 look-ups of a key in use: one who loses its processor before it evicts may then evict what has been used since. */
    private static final long EVICTED = 20;

    private Path program;

    @BeforeAll
    void compile(@TempDir Path folder) throws IOException, InterruptedException {
        program = AgentHost.compile(folder);
    }

    private static HashTable created(int keySize, int valueSize) {
        return created(MapType.HASH, keySize, valueSize);
    }

    private static HashTable created(MapType type, int keySize, int valueSize) {
        return switch (MapCreation.create(MapSpec.of("keys", type, keySize, valueSize, MAX))) {
            case MapCreation.Created(var map) -> (HashTable) map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private AgentHost host(HashTable map) throws IOException {
        AgentHost host = AgentHost.start(program);
        String file =
                "/proc/" + ProcessHandle.current().pid() + "/fd/" + map.fd().number();
        assertThat(host.ask("hash " + file)).isEqualTo("ok");
        return host;
    }

    @ParameterizedTest
    @CsvSource({"4,8", "4,48", "8,4", "8,48", "12,3", "16,8", "24,100"})
    void randomOperationsGiveWhatAModelGives(int keySize, int valueSize) throws IOException {
        try (HashTable map = created(keySize, valueSize);
                AgentHost host = host(map)) {
            assertThat(host.number("differ 7 " + OPERATIONS + " 400")).isZero();
            assertThat(map.count()).isEqualTo(map.keys().size()).isPositive();
        }
    }

    @Test
    void whatBucketsKeepIsThereForOthers() throws IOException {
        try (HashTable map = created(4, 8);
                AgentHost host = host(map)) {
            assertThat(host.number("churn 0 " + MAX + " 3")).isZero();
            assertThat(map.count()).isZero();
            requireRoomFor(map, MAX);
            assertThat(map.update(key(map, 2 * MAX), new byte[8], KeyedMap.ANY)).isEqualTo(-Errno.E2BIG);
        }
    }

    @Test
    void processesThatInsertAndDeleteDoNotDisturbEachOther() throws IOException {
        try (HashTable map = created(8, 48);
                AgentHost one = host(map);
                AgentHost other = host(map)) {
            CompletableFuture<Long> there = CompletableFuture.supplyAsync(() -> other.number("churn 1000 100 2000"));
            assertThat(one.number("churn 0 100 2000")).isZero();
            assertThat(there.join()).isZero();
            assertThat(map.keys()).isEmpty();
            assertThat(map.count()).isZero();
        }
    }

    /** What one has deleted is there for the other, whatever bucket keeps it. */
    @Test
    void aMapWithRoomForTwoRefusesNeither() throws IOException {
        try (HashTable map = created(4, 8);
                AgentHost one = host(map);
                AgentHost other = host(map)) {
            assertThat(one.number("fill 0 " + (MAX - 2))).isZero();
            CompletableFuture<Long> there = CompletableFuture.supplyAsync(() -> other.number("pass 1000000 500000"));
            assertThat(one.number("pass 1000 500000")).isZero();
            assertThat(there.join()).isZero();
            assertThat(map.count()).isEqualTo(MAX - 2);
        }
    }

    @Test
    void aProcessThatDiesInAChangeLeavesAMapThatWorks() throws IOException {
        try (HashTable map = created(8, 48)) {
            for (int death = 0; death < DEATHS; death++) {
                try (AgentHost host = host(map)) {
                    CompletableFuture<Void> churn = CompletableFuture.runAsync(() -> host.ask("churn 0 200 0"))
                            .exceptionally(_ -> null);
                    awaitChange(map);
                    host.kill();
                    churn.join();
                    map.releaseLocksOf(host.pid());
                }
                map.keys().forEach(map::delete);
                assertThat(map.keys()).isEmpty();
                requireRoomFor(map, MAX);
                assertThat(map.update(key(map, 2 * MAX), new byte[map.valueBytes()], KeyedMap.ANY))
                        .isEqualTo(-Errno.E2BIG);
                map.keys().forEach(map::delete);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"LRU_HASH,4,8", "LRU_HASH,16,48", "LRU_PERCPU_HASH,8,8"})
    void aFullLruHashKeepsWhatIsLookedUp(MapType type, int keySize, int valueSize) throws IOException {
        try (HashTable map = created(type, keySize, valueSize);
                AgentHost host = host(map)) {
            assertThat(host.number("flood 50 1000 20000")).isZero();
            assertThat(map.count()).isEqualTo(MAX);
            for (int key = 0; key < MAX; key++) {
                assertThat(map.update(key(map, 30_000 + key), new byte[map.valueBytes()], KeyedMap.NOEXIST))
                        .isZero();
            }
            assertThat(map.count()).isEqualTo(MAX);
        }
    }

    @Test
    void processesMakeRoomForEachOther() throws IOException {
        try (HashTable map = created(MapType.LRU_HASH, 8, 48);
                AgentHost one = host(map);
                AgentHost other = host(map)) {
            CompletableFuture<Long> there = CompletableFuture.supplyAsync(() -> other.number("flood 1 100000 50000"));
            assertThat(one.number("flood 1 1000 50000")).isLessThan(EVICTED);
            assertThat(there.join()).isLessThan(EVICTED);
            assertThat(map.count()).isEqualTo(MAX).isEqualTo(map.keys().size());
        }
    }

    @Test
    void aProcessThatDiesMakingRoomLeavesAMapThatWorks() throws IOException {
        try (HashTable map = created(MapType.LRU_HASH, 8, 48)) {
            for (int death = 0; death < DEATHS; death++) {
                try (AgentHost host = host(map)) {
                    CompletableFuture<Void> flood = CompletableFuture.runAsync(() -> host.ask("flood 1 1000 0"))
                            .exceptionally(_ -> null);
                    awaitChange(map);
                    host.kill();
                    flood.join();
                    map.releaseLocksOf(host.pid());
                }
                map.keys().forEach(map::delete);
                requireRoomFor(map, MAX);
                assertThat(map.update(key(map, 2 * MAX), new byte[map.valueBytes()], KeyedMap.NOEXIST))
                        .isZero();
                assertThat(map.count()).isEqualTo(MAX);
                map.keys().forEach(map::delete);
            }
        }
    }

    /** One time of many: on a busy machine this process may itself come back later than others wait. */
    @Test
    void anOwnerThatComesBackIsWaitedFor() throws IOException, InterruptedException {
        try (HashTable map = created(8, 8);
                AgentHost host = host(map);
                Arena memory = Arena.ofConfined()) {
            MemorySegment region = memoryOf(map, memory);
            long refused = 0;
            for (int time = 0; time < TIMES_HELD; time++) {
                int key = time;
                setLocks(region, ProcessHandle.current().pid() << 32 | time + 1);
                CompletableFuture<Long> waiting =
                        CompletableFuture.supplyAsync(() -> host.number("fill-once " + key + " 1"));
                Thread.sleep(HELD_MILLIS);
                setLocks(region, 0);
                refused += waiting.join();
            }

            assertThat(map.count()).isEqualTo(TIMES_HELD - refused).isPositive();
        }
    }

    @Test
    void anOwnerThatDoesNotComeBackIsNotWaitedForEverAgain() throws IOException {
        try (HashTable map = created(8, 8);
                AgentHost host = host(map);
                Arena memory = Arena.ofConfined()) {
            MemorySegment region = memoryOf(map, memory);
            long owner = ProcessHandle.current().pid() << 32 | 1;
            setLocks(region, owner);

            assertThat(host.number("fill-once 0 1000")).isEqualTo(1000);
            assertThat(region.get(ValueLayout.JAVA_LONG, HashLayout.STUCK)).isEqualTo(owner);
            assertThat(region.get(ValueLayout.JAVA_LONG, HashLayout.LOCK_BUSY)).isEqualTo(1000);
            setLocks(region, 0);
            assertThat(host.number("fill-once 0 1")).isZero();
        }
    }

    private static MemorySegment memoryOf(HashTable map, Arena arena) throws IOException {
        try (FileChannel file =
                FileChannel.open(Path.of(AgentHost.pathOf(map)), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, file.size(), arena);
        }
    }

    private static void setLocks(MemorySegment region, long owner) {
        int buckets = region.get(ValueLayout.JAVA_INT, HashLayout.BUCKET_MASK) + 1;
        for (int bucket = 0; bucket < buckets; bucket++) {
            region.set(
                    ValueLayout.JAVA_LONG,
                    HashLayout.SIZE + (long) bucket * BucketLayout.SIZE + BucketLayout.LOCK,
                    owner);
        }
    }

    private static void awaitChange(HashTable map) {
        while (map.keys().isEmpty()) {
            Thread.onSpinWait();
        }
    }

    private static void requireRoomFor(HashTable map, int keys) {
        for (int i = 0; i < keys; i++) {
            assertThat(map.update(key(map, MAX + i), new byte[map.valueBytes()], KeyedMap.NOEXIST))
                    .as("key %d", i)
                    .isZero();
        }
        assertThat(map.count()).isEqualTo(keys);
    }

    private static byte[] key(HashTable map, int number) {
        return ByteBuffer.allocate(map.spec().keySize())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, number)
                .array();
    }
}

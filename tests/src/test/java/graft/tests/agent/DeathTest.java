package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.BloomFilter;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.LpmTrie;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.maps.StackTraceMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Processes that are killed at any moment of their work on a map, beside two that go on. {@code -Dgraft.deaths=N}: how many in
 * each test.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeathTest {
    private static final int DEATHS = Integer.getInteger("graft.deaths", 40);
    /** The map is looked at after so many deaths. */
    private static final int ROUND = 40;

    private static final int SURVIVORS = 2;
    private static final int LONGEST_LIFE_MICROS = 1500;
    /** Room for all keys of all workers of a round. */
    private static final int MAX = (SURVIVORS + ROUND) * 64;
    /** A number, and two words that follow from it. */
    private static final int VALUE = 24;

    /** So many of the last values of each worker are looked for in a filter. */
    private static final int LAST_OF_FILTER = 50_000;

    private static final int MOST_FRAMES = 12;

    private final Random random = new Random(5);

    @TempDir
    private Path folder;

    private Path program;

    @BeforeAll
    void compile(@TempDir Path programs) throws IOException, InterruptedException {
        program = AgentHost.compile(programs);
    }

    private static BpfMap created(MapSpec spec) {
        return switch (MapCreation.create(spec)) {
            case MapCreation.Created(var map) -> map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private AgentHost host(BpfMap map, Notes notes) throws IOException {
        AgentHost host = AgentHost.start(program);
        String open = map instanceof MapOfMaps maps ? AgentHost.holder(maps) : "map " + AgentHost.pathOf(map);
        assertThat(host.ask(open)).isEqualTo("ok");
        assertThat(host.ask("notes " + notes.file())).isEqualTo("ok");
        return host;
    }

    /** What is to be true when a round's survivors have stopped. Workers are numbered from 1 on, survivors first. */
    @FunctionalInterface
    private interface Check {
        void check(Notes notes, int workers) throws IOException;
    }

    private void kill(BpfMap map, String work, Check check) throws IOException {
        int locks = 0;
        for (int deaths = 0; deaths < DEATHS; deaths += ROUND) {
            int victims = Math.min(ROUND, DEATHS - deaths);
            try (Notes notes = new Notes(folder, SURVIVORS + victims)) {
                locks += round(map, work, notes, victims);
                check.check(notes, SURVIVORS + victims);
            }
        }
        System.out.println(map.spec().type() + ": " + DEATHS + " killed, " + locks + " of them with a lock");
    }

    private int round(BpfMap map, String work, Notes notes, int victims) throws IOException {
        List<AgentHost> survivors = new ArrayList<>();
        List<CompletableFuture<String>> ends = new ArrayList<>();
        int locks = 0;
        try (AgentHost killer = host(map, notes);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int worker = 1; worker <= SURVIVORS; worker++) {
                AgentHost survivor = host(map, notes);
                String command = "work " + work + " " + worker;
                survivors.add(survivor);
                ends.add(CompletableFuture.supplyAsync(() -> survivor.ask(command), threads));
                awaitWork(notes, worker);
            }
            for (int worker = SURVIVORS + 1; worker <= SURVIVORS + victims; worker++) {
                int micros = random.nextInt(LONGEST_LIFE_MICROS);
                long dead = killer.number("slay " + micros + " work " + work + " " + worker);
                locks += map.releaseLocksOf((int) dead);
            }
            notes.stop();
            ends.forEach(end -> assertThat(end.join()).isEqualTo("ok"));
        } finally {
            survivors.forEach(AgentHost::close);
        }
        return locks;
    }

    private static void awaitWork(Notes notes, int worker) {
        while (notes.begun(worker) == 0) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"QUEUE", "STACK"})
    void whatWasPushedIsPoppedOnceAndADeathLosesAtMostOne(MapType type) throws IOException {
        try (QueueMap map = (QueueMap) created(MapSpec.of("values", type, 0, VALUE, 16))) {
            kill(map, "queue", (notes, workers) -> {
                Deliveries deliveries = new Deliveries(notes, workers);
                for (int worker = 1; worker <= workers; worker++) {
                    deliveries.addLog(worker, type == MapType.QUEUE);
                }
                map.values().forEach(value -> deliveries.add(wordOf(value)));
                deliveries.requireOnceEachBut(workers - SURVIVORS);
                int values = map.values().size();
                for (int i = 0; i < values; i++) {
                    assertThat(map.pop()).isPresent();
                }
                assertThat(map.pop()).isEmpty();
            });
        }
    }

    private static long wordOf(byte[] value) {
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    @Test
    void aTrieLosesNoNodes() throws IOException {
        MapSpec spec = new MapSpec.Builder("prefixes", MapType.LPM_TRIE)
                .sizes(8, VALUE, MAX)
                .flags(MapSpec.NO_PREALLOC)
                .build();
        try (LpmTrie map = (LpmTrie) created(spec)) {
            kill(map, "keys", (notes, workers) -> {
                requireSurvivorsRight(notes);
                map.keys().forEach(key -> assertThat(map.delete(key)).isZero());
                assertThat(map.keys()).isEmpty();
                requireRoom(map, DeathTest::prefix, -Errno.ENOSPC);
            });
        }
    }

    private static void requireSurvivorsRight(Notes notes) {
        for (int worker = 1; worker <= SURVIVORS; worker++) {
            assertThat(notes.wrong(worker)).as("wrong results of %d", worker).isZero();
            assertThat(notes.done(worker)).isPositive();
        }
    }

    /** A map that is empty takes exactly as many keys as it says. */
    private static void requireRoom(KeyedMap map, IntFunction<byte[]> key, int full) {
        int most = ((BpfMap) map).spec().maxEntries();
        for (int i = 0; i < most; i++) {
            assertThat(map.update(key.apply(i), new byte[VALUE], KeyedMap.NOEXIST))
                    .as("key %d", i)
                    .isZero();
        }
        assertThat(map.update(key.apply(most), new byte[VALUE], KeyedMap.NOEXIST))
                .isEqualTo(full);
        map.keys().forEach(map::delete);
        assertThat(map.keys()).isEmpty();
    }

    private static byte[] prefix(int number) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(Integer.SIZE)
                .putInt(number * 0x9e3779b1)
                .array();
    }

    private static byte[] key(int number) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array();
    }

    @ParameterizedTest
    @CsvSource({"HASH", "LRU_HASH"})
    void aHashIsRightForThoseWhoGoOn(MapType type) throws IOException {
        try (HashTable map = (HashTable) created(MapSpec.of("keys", type, Long.BYTES, VALUE, MAX))) {
            kill(map, "keys", (notes, workers) -> {
                requireSurvivorsRight(notes);
                assertThat(map.count()).isEqualTo(map.keys().size());
                map.keys().forEach(key -> assertThat(map.delete(key)).isZero());
                assertThat(map.count()).isZero();
                if (type == MapType.HASH) {
                    requireRoom(map, DeathTest::key, -Errno.E2BIG);
                }
            });
        }
    }

    /** Keys of all come and go; the smaller maps are full most of the time, so that deaths meet evictions and refusals. */
    @ParameterizedTest
    @CsvSource({"HASH,512", "HASH,200", "LRU_HASH,200"})
    void keysThatComeAndGoLeaveAllElements(MapType type, int entries) throws IOException {
        try (HashTable map = (HashTable) created(MapSpec.of("keys", type, Long.BYTES, VALUE, entries))) {
            kill(map, "exchange", (notes, workers) -> {
                requireSurvivorsRight(notes);
                assertThat(map.keys().stream().map(DeathTest::wordOf)).doesNotHaveDuplicates();
                map.keys().forEach(key -> assertThat(map.delete(key)).isZero());
                for (int i = 0; i < entries; i++) {
                    assertThat(map.update(key(i), new byte[VALUE], KeyedMap.NOEXIST))
                            .as("key %d", i)
                            .isZero();
                }
                assertThat(map.count()).isEqualTo(entries);
                map.keys().forEach(map::delete);
            });
        }
    }

    /** The map that is in it is the one that the workers change; another takes its place after each round. */
    @Test
    void aHashInAMapOfMapsIsRightForThoseWhoGoOn() throws IOException {
        MapSpec inner = MapSpec.of("keys", MapType.HASH, Long.BYTES, VALUE, MAX);
        MapSpec spec = MapSpec.of("maps", MapType.ARRAY_OF_MAPS, Integer.BYTES, Integer.BYTES, 1)
                .holding(inner);
        try (MapOfMaps maps = (MapOfMaps) created(spec)) {
            byte[] first = new byte[Integer.BYTES];
            put(maps, first, inner);
            kill(maps, "keys", (notes, workers) -> {
                requireSurvivorsRight(notes);
                HashTable map = (HashTable) maps.map(first).orElseThrow();
                map.keys().forEach(key -> assertThat(map.delete(key)).isZero());
                assertThat(map.count()).isZero();
                requireRoom(map, DeathTest::key, -Errno.E2BIG);
                put(maps, first, inner);
            });
        }
    }

    private static void put(MapOfMaps maps, byte[] key, MapSpec inner) {
        try (BpfMap map = ((MapCreation.Created) maps.create(inner)).map()) {
            assertThat(maps.put(key, map, KeyedMap.ANY)).isZero();
        }
        assertThat(((HashTable) maps.map(key).orElseThrow()).count()).isZero();
    }

    @Test
    void aBloomFilterForgetsNothing() throws IOException {
        try (BloomFilter map = (BloomFilter) created(MapSpec.of("seen", MapType.BLOOM_FILTER, 0, VALUE, 1 << 20))) {
            kill(map, "bloom", (notes, workers) -> {
                requireSurvivorsRight(notes);
                for (int worker = 1; worker <= workers; worker++) {
                    long first = Math.max(0, notes.done(worker) - LAST_OF_FILTER);
                    for (long number = first; number < notes.done(worker); number++) {
                        assertThat(map.mayContain(Deliveries.value(worker, number)))
                                .isTrue();
                    }
                }
            });
        }
    }

    /** A trace that was taken and is in no bucket is free again: afterwards all buckets take one. */
    @Test
    void noStackTraceIsLost() throws IOException {
        int entries = 16;
        MapSpec spec = MapSpec.of("stacks", MapType.STACK_TRACE, Integer.BYTES, MOST_FRAMES * Long.BYTES, entries);
        try (StackTraceMap map = (StackTraceMap) created(spec)) {
            AtomicBoolean done = new AtomicBoolean();
            CompletableFuture<Void> deleting = CompletableFuture.runAsync(() -> {
                while (!done.get()) { // so that there is room for new ones, most of the time
                    map.keys().forEach(map::delete);
                }
            });
            kill(map, "traces", (notes, workers) -> {
                requireSurvivorsRight(notes);
                requireWholeTraces(map, workers);
            });
            done.set(true);
            deleting.join();
            try (Notes notes = new Notes(folder, SURVIVORS)) {
                round(map, "traces", notes, 0);
                requireWholeTraces(map, SURVIVORS);
                assertThat(map.keys()).hasSize(entries);
            }
        }
    }

    /** The first address of a trace is its number, and the others follow from that. */
    private static void requireWholeTraces(StackTraceMap map, int workers) {
        for (byte[] key : map.keys()) {
            Optional<byte[]> trace = map.lookup(key);
            if (trace.isEmpty()) {
                continue; // deleted meanwhile
            }
            LongBuffer addresses =
                    ByteBuffer.wrap(trace.get()).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
            long number = addresses.get(0);
            assertThat(number >>> 40).isBetween(1L, (long) workers);
            int depth = 2 + (int) (number % (MOST_FRAMES - 1));
            for (int frame = 1; frame < MOST_FRAMES; frame++) {
                assertThat(addresses.get(frame)).isEqualTo(frame < depth ? checkOf(number + frame) >>> 16 : 0);
            }
        }
    }

    private static long checkOf(long number) {
        return (number ^ number >>> 32) * 0x9e3779b97f4a7c15L;
    }
}

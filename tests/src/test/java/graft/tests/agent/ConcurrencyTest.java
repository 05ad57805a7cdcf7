package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import graft.tests.agent.Histories.Event;
import graft.tests.agent.Models.RowKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.IntToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Eight threads in four processes on one map. {@code -Dgraft.seconds=N}: for how long in each test. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConcurrencyTest {
    private static final Duration TIME = Duration.ofSeconds(Long.getLong("graft.seconds", 1));
    /** The notes of longer ones would not fit. */
    private static final Duration PART = Duration.ofSeconds(2);

    private static final int PROCESSES = 4;
    private static final int THREADS = 2;
    private static final int WORKERS = PROCESSES * THREADS;
    private static final int MANY_KEYS = 512;
    private static final int SUMS = 8;
    private static final int INNER_MAPS = 200;
    private static final int STAYING = 100;
    private static final int HOLDER_KEYS = 4;
    private static final int VALUE = 24;
    private static final int EVENT_WORDS = 6;
    private static final int KEY_SHIFT = 30;

    private final List<AgentHost> hosts = new ArrayList<>();
    private final List<CompletableFuture<String>> ends = new ArrayList<>();

    @TempDir
    private Path folder;

    private Path program;
    private ExecutorService threads;
    private long deadline;

    @BeforeAll
    void compile(@TempDir Path programs) throws IOException, InterruptedException {
        program = AgentHost.compile(programs);
    }

    @BeforeEach
    void begin() {
        threads = Executors.newCachedThreadPool();
        deadline = System.nanoTime() + TIME.toNanos();
    }

    @AfterEach
    void end() {
        closeHosts();
        threads.close();
    }

    private static BpfMap created(MapType type, int keySize, int valueSize, int entries) {
        return switch (MapCreation.create(MapSpec.of("shared", type, keySize, valueSize, entries))) {
            case MapCreation.Created(var map) -> map;
            case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
        };
    }

    private void start(BpfMap map, Notes notes, String work) throws IOException {
        for (int process = 0; process < PROCESSES; process++) {
            AgentHost host = AgentHost.start(program);
            hosts.add(host);
            assertThat(host.ask(
                            map instanceof MapOfMaps maps
                                    ? AgentHost.holder(maps)
                                    : map instanceof ArrayMap
                                            ? "array " + AgentHost.pathOf(map) + " " + SUMS
                                            : "map " + AgentHost.pathOf(map)))
                    .isEqualTo("ok");
            assertThat(host.ask("notes " + notes.file())).isEqualTo("ok");
            String command = "team " + work + " " + (process * THREADS + 1) + " " + THREADS;
            ends.add(CompletableFuture.supplyAsync(() -> host.ask(command), threads));
        }
    }

    private void stop(Notes notes) {
        notes.stop();
        ends.forEach(end -> assertThat(end.join()).isEqualTo("ok"));
    }

    private boolean isTimeLeft() {
        return System.nanoTime() < deadline;
    }

    @ParameterizedTest
    @CsvSource({"ARRAY,4", "HASH,8", "PERCPU_HASH,8", "LRU_HASH,8", "LRU_PERCPU_HASH,8"})
    void noAdditionIsLost(MapType type, int keySize) throws IOException {
        try (BpfMap map = created(type, keySize, Long.BYTES, SUMS);
                Notes notes = new Notes(folder, WORKERS)) {
            start(map, notes, "sum");
            while (isTimeLeft()) {
                LockSupport.parkNanos(1_000_000);
            }
            stop(notes);
            KeyedMap sums = (KeyedMap) map;
            long sum = 0;
            for (int key = 0; key < SUMS; key++) {
                byte[] value = sums.lookup(key(key, keySize)).orElseThrow();
                sum += LongStream.range(0, value.length / Long.BYTES)
                        .map(i -> wordAt(value, (int) i))
                        .sum();
            }
            assertThat(sum).isEqualTo(sumOf(notes::done)).isPositive();
            if (map instanceof HashTable) {
                assertThat(sumOf(notes::refused)).as("keys made").isEqualTo(SUMS);
            }
            System.out.println(type + ": " + sum + " additions");
        }
    }

    /** A walk by next keys meets every key that stays, whatever comes and goes beside it. */
    @Test
    void nextKeysPassNoneThatStays() throws IOException {
        try (HashTable map = (HashTable) created(MapType.HASH, Long.BYTES, VALUE, MANY_KEYS + STAYING);
                Notes notes = new Notes(folder, WORKERS)) {
            Set<Long> staying =
                    LongStream.range(MANY_KEYS, MANY_KEYS + STAYING).boxed().collect(Collectors.toSet());
            staying.forEach(key -> assertThat(map.update(key(key, Long.BYTES), new byte[VALUE], KeyedMap.NOEXIST))
                    .isZero());
            start(map, notes, "exchange");
            int walks = 0;
            while (isTimeLeft()) {
                Set<Long> missing = new HashSet<>(staying);
                var next = map.firstKey();
                while (next.isPresent() && isTimeLeft()) {
                    missing.remove(wordAt(next.get(), 0));
                    next = map.nextKey(next.get());
                }
                if (next.isEmpty()) {
                    assertThat(missing).isEmpty();
                    walks++;
                }
            }
            stop(notes);
            System.out.println(walks + " walks");
        }
    }

    /** Maps in a map are exchanged and taken out while programs add in them: each addition is in the map that was found. */
    @ParameterizedTest
    @EnumSource(names = {"ARRAY_OF_MAPS", "HASH_OF_MAPS"})
    void additionsAreInTheMapThatWasThere(MapType type) throws IOException {
        MapSpec inner = MapSpec.of("sums", MapType.ARRAY, Integer.BYTES, Long.BYTES, SUMS);
        MapSpec spec = MapSpec.of("maps", type, Integer.BYTES, Integer.BYTES, INNER_MAPS)
                .holding(inner);
        List<ArrayMap> all = new ArrayList<>();
        try (MapOfMaps maps = (MapOfMaps) ((MapCreation.Created) MapCreation.create(spec)).map();
                Notes notes = new Notes(folder, WORKERS)) {
            start(maps, notes, "inner");
            for (int change = 0; isTimeLeft(); change++) {
                byte[] key = key(change % HOLDER_KEYS, Integer.BYTES);
                if (change % 3 == 2) {
                    maps.delete(key);
                } else if (all.size() < INNER_MAPS) {
                    ArrayMap map = (ArrayMap) ((MapCreation.Created) maps.create(inner)).map();
                    all.add(map);
                    assertThat(maps.put(key, map, KeyedMap.ANY)).isZero();
                } else {
                    assertThat(maps.put(key, all.get(change % INNER_MAPS), KeyedMap.ANY))
                            .isZero();
                }
                LockSupport.parkNanos(100_000);
            }
            stop(notes);
            assertThat(sumOf(notes::wrong)).isZero();
            long sum = all.stream()
                    .flatMapToLong(map -> LongStream.range(0, SUMS).map(index -> map.longAt((int) index)))
                    .sum();
            assertThat(sum).isEqualTo(sumOf(notes::done)).isPositive();
            System.out.println(type + ": " + sum + " additions in " + all.size() + " maps");
        }
    }

    private static byte[] key(long key, int bytes) {
        return ByteBuffer.allocate(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(0, (byte) key)
                .put(1, (byte) (key >> Byte.SIZE))
                .array();
    }

    private static long wordAt(byte[] bytes, int index) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(index * Long.BYTES);
    }

    private static long sumOf(IntToLongFunction ofWorker) {
        return IntStream.rangeClosed(1, WORKERS).mapToLong(ofWorker).sum();
    }

    /** The daemon's side reads all the time: each value that it gets is the key's and whole. */
    @ParameterizedTest
    @CsvSource({"HASH,8,512", "HASH,24,512", "HASH,24,200", "LRU_HASH,24,200", "LRU_HASH,8,200"})
    void keysThatComeAndGoAreThereOnceWithTheirOwnValues(MapType type, int valueSize, int entries) throws IOException {
        try (HashTable map = (HashTable) created(type, Long.BYTES, valueSize, entries);
                Notes notes = new Notes(folder, WORKERS)) {
            start(map, notes, "exchange");
            long reads = 0;
            while (isTimeLeft()) {
                for (long key = 0; key < MANY_KEYS; key++) {
                    long wanted = key;
                    map.lookup(key(key, Long.BYTES)).ifPresent(value -> requireValueOf(wanted, value));
                    reads++;
                }
            }
            stop(notes);
            assertThat(sumOf(notes::wrong)).as("values that were another key's").isZero();
            Set<Long> keys = map.keys().stream().map(key -> wordAt(key, 0)).collect(Collectors.toSet());
            assertThat(map.keys()).hasSameSizeAs(keys);
            long left = sumOf(notes::done) - sumOf(notes::refused);
            if (type == MapType.HASH) {
                assertThat((long) map.count()).isEqualTo(left);
            }
            assertThat(map.count()).isEqualTo(keys.size()).isLessThanOrEqualTo(entries);
            System.out.println(type + " of " + valueSize + " bytes: " + sumOf(notes::done) + " made, "
                    + sumOf(notes::refused) + " deleted, " + reads + " reads here");
        }
    }

    private static void requireValueOf(long key, byte[] value) {
        long number = wordAt(value, 0);
        if ((number >> KEY_SHIFT & MANY_KEYS - 1) != key) {
            throw new AssertionError("the value of " + (number >> KEY_SHIFT & MANY_KEYS - 1) + " for key " + key);
        }
        if (value.length == VALUE && !Deliveries.isWhole(value)) {
            throw new AssertionError("a torn value for key " + key);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"QUEUE", "STACK"})
    void whatIsPushedIsPoppedOnce(MapType type) throws IOException {
        long popped = 0;
        while (isTimeLeft()) {
            try (QueueMap map = (QueueMap) created(type, 0, VALUE, 16);
                    Notes notes = new Notes(folder, WORKERS)) {
                start(map, notes, "queue");
                long part = Math.min(deadline, System.nanoTime() + PART.toNanos());
                while (System.nanoTime() < part) {
                    LockSupport.parkNanos(1_000_000);
                }
                stop(notes);
                Deliveries deliveries = new Deliveries(notes, WORKERS);
                for (int worker = 1; worker <= WORKERS; worker++) {
                    deliveries.addLog(worker, type == MapType.QUEUE);
                    popped += notes.logged(worker);
                }
                map.values().forEach(value -> deliveries.add(wordAt(value, 0)));
                deliveries.requireOnceEachBut(0);
            }
            closeHosts();
        }
        System.out.println(type + ": " + popped + " values");
    }

    private void closeHosts() {
        hosts.forEach(AgentHost::close);
        hosts.clear();
        ends.clear();
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 24})
    void operationsOnAKeyOfAHashHaveAnOrder(int valueSize) throws IOException {
        try (HashTable map = (HashTable) created(MapType.HASH, Long.BYTES, valueSize, 64)) {
            race(map, events -> {
                Map<Long, List<Event>> ofKey = events.stream().collect(Collectors.groupingBy(Event::key));
                ofKey.values().forEach(history -> requirePossible(history, new Models.OneKey()));
                map.keys().forEach(map::delete);
            });
        }
    }

    @ParameterizedTest
    @EnumSource(RowKind.class)
    void operationsOnAQueueHaveAnOrder(RowKind kind) throws IOException {
        int most = 4;
        try (QueueMap map = (QueueMap) created(MapType.valueOf(kind.name()), 0, VALUE, most)) {
            race(map, events -> {
                requirePossible(events, new Models.Row(most, kind));
                while (map.pop().isPresent()) {}
            });
        }
    }

    private static <S> void requirePossible(List<Event> history, Histories.Model<S> model) {
        if (!Histories.isPossible(history, model)) {
            history.stream().sorted(Comparator.comparingLong(Event::from)).forEach(System.out::println);
            throw new AssertionError("there is no order of these operations");
        }
    }

    /** Rounds of a few operations of all threads, each from an empty map. */
    private void race(BpfMap map, Consumer<List<Event>> check) throws IOException {
        try (Notes notes = new Notes(folder, WORKERS)) {
            start(map, notes, "race");
            long rounds = 0;
            long overlaps = 0;
            while (isTimeLeft()) {
                notes.startRound(++rounds);
                List<Event> events = new ArrayList<>();
                for (int worker = 1; worker <= WORKERS; worker++) {
                    while (notes.done(worker) < rounds) {
                        Thread.yield();
                    }
                    addEvents(notes, worker, events);
                }
                overlaps += overlaps(events);
                check.accept(events);
            }
            stop(notes);
            System.out.println(map.spec().type() + ": " + rounds + " histories, " + overlaps + " overlaps");
        }
    }

    /** Without those that were not done because of a lock. */
    private static void addEvents(Notes notes, int worker, List<Event> events) {
        for (int i = 0; i < notes.logged(worker); i++) {
            int at = i * EVENT_WORDS;
            Event event = new Event(
                    (int) notes.log(worker, at),
                    notes.log(worker, at + 1),
                    notes.log(worker, at + 2),
                    (int) notes.log(worker, at + 3),
                    notes.log(worker, at + 4),
                    notes.log(worker, at + 5));
            if (event.result() != -Errno.EBUSY) {
                events.add(event);
            }
        }
    }

    private static long overlaps(List<Event> events) {
        List<Event> sorted =
                events.stream().sorted(Comparator.comparingLong(Event::from)).toList();
        long end = 0;
        long overlaps = 0;
        for (Event event : sorted) {
            overlaps += event.from() < end ? 1 : 0;
            end = Math.max(end, event.to());
        }
        return overlaps;
    }
}

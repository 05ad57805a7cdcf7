package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.bridge.KernelMap;
import graft.bridge.KernelTestProgram;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.MapAccess;
import graft.ebpf.maps.MapTimers;
import graft.ebpf.maps.MapView;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.object.CollectionSpec;
import graft.platform.linux.Bpf;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Timers of programs in processes: what calls give and what functions do is what the kernel's do. Needs root. */
@Tag("slow")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TimersTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/timers.bpf.o");
    private static final long LATE = 4_000_000_000_000_000_000L;
    private static final int STEPS = Integer.getInteger("graft.steps", 1500);
    private static final int ENOMEM = 12;
    private static final int MANY = 10_000;
    private static final int PAUSE = 200_000_000;
    private static final int DEATHS = 12;
    private static final int TIMER = 24;
    private static final List<String> MAPS = List.of("array", "hash", "lru");

    @TempDir
    private Path folder;

    private Path file;

    /** Of the object, in its order. */
    private enum Note {
        RESULT,
        FIRED,
        INNER,
        KEYS
    }

    /** The same. */
    private enum What {
        INIT,
        SET,
        START,
        CANCEL,
        DELETE,
        UPDATE,
        LOOK,
        ARM_ALL,
        ARM
    }

    /** The same. */
    private enum Todo {
        NOTHING,
        AGAIN,
        CANCEL_SELF,
        INIT_SELF,
        DELETE_SELF,
        UPDATE_SELF,
        START_WRONGLY,
        SET_SELF,
        REPORT,
        LOOP_LONG,
        ADD_UP
    }

    /** What a program does next. */
    private record Told(int map, What what, int key, long number, long flags, byte[] element) {
        static Told of(String map, What what, int key) {
            return of(map, what, key, 0, 0);
        }

        static Told of(String map, What what, int key, long number, long flags) {
            return new Told(MAPS.indexOf(map), what, key, number, flags, elementOf(Todo.NOTHING, 0, 0));
        }

        byte[] bytes() {
            return bytesOf(32 + element.length)
                    .putInt(map)
                    .putInt(what.ordinal())
                    .putInt(key)
                    .putInt(0)
                    .putLong(number)
                    .putLong(flags)
                    .put(element)
                    .array();
        }
    }

    private static ByteBuffer bytesOf(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] key(int key) {
        return bytesOf(4).putInt(key).array();
    }

    private static byte[] elementOf(Todo todo, int left, long nanos) {
        return bytesOf(48)
                .putLong(0)
                .putLong(nanos)
                .putInt(todo.ordinal())
                .putInt(left)
                .putLong(-1) // the field is nobody's to set
                .putLong(-1)
                .putLong(7)
                .array();
    }

    /** One side. */
    private interface Engine {
        void run(Told told);

        byte[] value(String map, int key);

        int update(String map, int key, byte[] value, long flags);

        int delete(String map, int key);

        default long note(Note note) {
            return ByteBuffer.wrap(value("NOTES", note.ordinal()))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
        }

        default long result(Told told) {
            run(told);
            return note(Note.RESULT);
        }

        default void awaitFired(long times) {
            while (note(Note.FIRED) < times) {
                Thread.onSpinWait();
            }
        }
    }

    private record Ours(Session session, ToldProgram program) implements Engine {
        private MapAccess map(String name) {
            return new MapAccess(session.collection().map(name).orElseThrow());
        }

        @Override
        public void run(Told told) {
            assertThat(map("TOLD").update(key(0), told.bytes(), 0)).isZero();
            program.does("with 0");
        }

        @Override
        public byte[] value(String map, int key) {
            return map(map).lookup(key(key)).value();
        }

        @Override
        public int update(String map, int key, byte[] value, long flags) {
            return map(map).update(key(key), value, flags);
        }

        @Override
        public int delete(String map, int key) {
            return map(map).delete(key(key));
        }
    }

    private record Kernels(KernelTestProgram program) implements Engine {
        @Override
        public void run(Told told) {
            map("TOLD").update(key(0), told.bytes(), 0);
            do {
                program.run(1);
            } while (note(Note.RESULT)
                    == -ENOMEM); // now and then for a new timer, as the kernel does not wait for memory
        }

        private KernelMap map(String name) {
            return program.maps().get(name);
        }

        @Override
        public byte[] value(String map, int key) {
            return map(map).lookup(key(key)).orElseGet(() -> new byte[0]);
        }

        @Override
        public int update(String map, int key, byte[] value, long flags) {
            try (Arena arena = Arena.ofConfined()) {
                return Bpf.mapUpdate(map(map).fd(), in(arena, key(key)), in(arena, value), flags);
            }
        }

        @Override
        public int delete(String map, int key) {
            try (Arena arena = Arena.ofConfined()) {
                return Bpf.mapDelete(map(map).fd(), in(arena, key(key)));
            }
        }

        private static MemorySegment in(Arena arena, byte[] bytes) {
            return arena.allocate(bytes.length, 8).copyFrom(MemorySegment.ofArray(bytes));
        }
    }

    @BeforeEach
    void compiled() {
        file = ToldProgram.compile(folder);
    }

    private static Session open(ToldProgram... programs) throws IOException {
        List<Integer> pids = Arrays.stream(programs)
                .map(program -> Integer.parseInt(program.pid()))
                .toList();
        SessionRequest request = Sessions.request(OBJECT, pids);
        Probe probe = new Probe(Probe.Kind.ENTRY, programs[0].file().toString(), "work", 0);
        return Sessions.open(request.with(List.of(new LinkRequest.Uprobe("on_call", probe, 0))), new Attacher());
    }

    private static KernelTestProgram inKernel() throws IOException {
        CollectionSpec object = Sessions.request(OBJECT, List.of()).object();
        return KernelTestProgram.load(object, object.programs().get("on_call"));
    }

    /** Random calls on both sides, by programs and by others; timers that fire do so at once, and are waited for. */
    @Test
    void callsAndFunctionsAnswerAsTheKernels() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program);
                KernelTestProgram kernel = inKernel()) {
            List<Engine> sides = List.of(new Ours(session, program), new Kernels(kernel));
            Random random = new Random(1);
            for (int step = 0; step < STEPS; step++) {
                String what = step(random, sides);
                for (Note note : Note.values()) {
                    assertThat(sides.getFirst().note(note))
                            .as("step %d, %s: %s", step, what, note)
                            .isEqualTo(sides.getLast().note(note));
                }
                for (String map : MAPS) {
                    for (int key = 0; key < 4; key++) {
                        assertThat(sides.getFirst().value(map, key))
                                .as("step %d, %s: %s[%d]", step, what, map, key)
                                .isEqualTo(sides.getLast().value(map, key));
                    }
                }
            }
            assertThat(sides.getFirst().note(Note.FIRED)).isGreaterThan(STEPS / 10);
            assertThat(session.collection().timersGivenUp()).isZero();
        }
    }

    private static String step(Random random, List<Engine> sides) {
        String map = MAPS.get(random.nextInt(MAPS.size()));
        int key = random.nextInt(map.equals("array") ? 5 : 4);
        byte[] element = elementOf(someTodo(random), random.nextInt(4), random.nextInt(2000));
        int flags = random.nextInt(8) == 0 ? random.nextInt(8) : 0;
        if (random.nextInt(4) == 0) {
            boolean deletes = random.nextInt(4) == 0;
            List<Integer> results = sides.stream()
                    .map(side -> deletes ? side.delete(map, key) : side.update(map, key, element, flags))
                    .toList();
            String what = (deletes ? "delete of " : "update of ") + map + "[" + key + "], flags " + flags;
            assertThat(results.getFirst()).as(what).isEqualTo(results.getLast());
            return what;
        }
        What what = random.nextInt(5) < 2 ? What.ARM : What.values()[random.nextInt(What.LOOK.ordinal() + 1)];
        long number = random.nextBoolean() ? LATE : random.nextInt(3000);
        Told told = new Told(MAPS.indexOf(map), what, key, number, what == What.INIT ? clock(random) : flags, element);
        sides.forEach(side -> awaitEnd(side, told));
        return what + " of " + map + "[" + key + "], number " + number + ", flags " + told.flags();
    }

    private static long clock(Random random) {
        return random.nextInt(8) == 0 ? random.nextLong(32) : random.nextBoolean() ? 1 : 7;
    }

    /** What is over at some time, and is the same whenever that is. */
    private static Todo someTodo(Random random) {
        return Todo.values()[random.nextInt(Todo.SET_SELF.ordinal() + 1)];
    }

    /** Does it, and waits until the function has run as often as it has to. */
    private static void awaitEnd(Engine side, Told told) {
        long before = side.note(Note.FIRED);
        ByteBuffer element =
                ByteBuffer.wrap(side.value(MAPS.get(told.map()), told.key())).order(ByteOrder.LITTLE_ENDIAN);
        long result = side.result(told);
        boolean starts = (told.what() == What.START || told.what() == What.ARM) && result == 0;
        if (starts && told.number() < LATE) {
            boolean again = element.getInt(16) == Todo.AGAIN.ordinal();
            side.awaitFired(before + 1 + (again ? element.getInt(20) : 0));
        }
    }

    /** Sets an element and starts its timer. */
    private static void arm(Engine side, String map, int key, byte[] element, long nanos) {
        assertThat(side.update(map, key, element, 0)).isZero();
        assertThat(side.result(Told.of(map, What.ARM, key, nanos, 0))).isZero();
    }

    /** Real-time timers go by the monotonic clock in the kernel, too: this one would be due long ago. */
    @Test
    void realTimeIsTheMonotonicClock() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program);
                KernelTestProgram kernel = inKernel()) {
            for (Engine side : List.of(new Ours(session, program), new Kernels(kernel))) {
                assertThat(side.result(Told.of("array", What.INIT, 0, 0, 0))).isZero();
                assertThat(side.result(Told.of("array", What.SET, 0))).isZero();
                long inAnHour = System.nanoTime() + 3_600_000_000_000L;
                assertThat(side.result(Told.of("array", What.START, 0, inAnHour, 1)))
                        .isZero();
                assertThat(side.result(Told.of("array", What.CANCEL, 0))).isEqualTo(1);
                assertThat(side.note(Note.FIRED)).isZero();
            }
        }
    }

    @Test
    void aTimerThatStartsItselfGoesOnWithoutCallsAndAfterItsProcess() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            arm(side, "hash", 1, elementOf(Todo.AGAIN, 300, 1_000_000), 0);
            side.awaitFired(2);
            program.kill();
            assertThat(session.endedTargets()).hasSize(1);
            side.awaitFired(301);
        }
    }

    @Test
    void processesShareTheirTimers() throws IOException {
        try (ToldProgram one = ToldProgram.start(file);
                ToldProgram two = ToldProgram.start(file);
                Session session = open(one, two)) {
            Ours first = new Ours(session, one);
            Ours second = new Ours(session, two);
            arm(first, "lru", 3, elementOf(Todo.NOTHING, 0, 0), LATE);
            assertThat(second.result(Told.of("lru", What.INIT, 3, 0, 1))).isEqualTo(-16);
            assertThat(second.result(Told.of("lru", What.START, 3, 0, 0))).isZero();
            first.awaitFired(1);
            assertThat(first.result(Told.of("lru", What.START, 3, LATE, 0))).isZero();
            assertThat(second.result(Told.of("lru", What.CANCEL, 3))).isEqualTo(1);
            assertThat(first.result(Told.of("lru", What.CANCEL, 3))).isZero();
            assertThat(first.note(Note.FIRED)).isEqualTo(1);
        }
    }

    @Test
    void eachOfManyFiresOnce() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            assertThat(side.result(new Told(1, What.ARM_ALL, 0, 5_000_000, 0, elementOf(Todo.DELETE_SELF, 0, 0))))
                    .isEqualTo(MANY);
            side.awaitFired(MANY);
            assertThat(((KeyedMap) session.collection().map("hash").orElseThrow()).keys())
                    .isEmpty();
            assertThat(session.collection().timersGivenUp()).isZero();
        }
    }

    /** What was deleted or replaced does not fire, whoever did it; what is armed behind it does, after it in time. */
    @Test
    void whatIsDeletedDoesNotFire() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            for (int key = 0; key < 4; key++) {
                arm(side, "hash", key, elementOf(Todo.NOTHING, 0, 0), PAUSE);
            }
            assertThat(side.result(Told.of("hash", What.DELETE, 0))).isZero();
            assertThat(side.delete("hash", 1)).isZero();
            assertThat(side.result(Told.of("hash", What.UPDATE, 2))).isZero();
            assertThat(side.update("hash", 3, elementOf(Todo.NOTHING, 0, 0), 0)).isZero();
            for (int key = 0; key < 2; key++) { // the elements of the others
                assertThat(side.update("hash", key, elementOf(Todo.NOTHING, 0, 0), 0))
                        .isZero();
            }
            long before = side.note(Note.FIRED); // unless the machine stood still for so long
            arm(side, "array", 1, elementOf(Todo.NOTHING, 0, 0), 2L * PAUSE);
            side.awaitFired(before + 1);
            for (int key = 0; key < 4; key++) {
                assertThat(side.result(Told.of("hash", What.LOOK, key))).isZero();
                assertThat(side.result(Told.of("hash", What.CANCEL, key))).isEqualTo(-22);
            }
        }
    }

    @Test
    void aFunctionThatDoesNotEndIsGivenUpAlone() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            arm(side, "hash", 1, elementOf(Todo.LOOP_LONG, 0, 0), 0);
            while (session.collection().timersGivenUp() == 0) {
                Thread.onSpinWait();
            }
            assertThat(session.collection().timerFault()).contains("map hash").contains("no end after");
            assertThat(side.note(Note.FIRED)).isZero();
            assertThat(side.result(Told.of("hash", What.START, 1, 0, 0))).isEqualTo(-22);
            arm(side, "array", 1, elementOf(Todo.ADD_UP, 0, 0), 0);
            side.awaitFired(1);
            arm(side, "array", 2, elementOf(Todo.REPORT, 0, 0), 0);
            side.awaitFired(2);
            RingBuffer ring = (RingBuffer) session.collection().map("reports").orElseThrow();
            assertThat(ring.drain(_ -> {}, 9))
                    .as("what was reserved stops nobody")
                    .isEqualTo(2);
            assertThat(session.collection().timersGivenUp()).isEqualTo(1);
        }
    }

    @Test
    void functionsReport() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            RingBuffer ring = (RingBuffer) session.collection().map("reports").orElseThrow();
            List<Long> seen = new ArrayList<>();
            int reports = 500; // the ring comes round
            for (int i = 0; i < reports; i++) {
                arm(side, "hash", i, elementOf(Todo.REPORT, 0, 0), 0);
                while (seen.size() < 2 * (i + 1)) {
                    ring.await(Duration.ofSeconds(10));
                    ring.drain(
                            data -> seen.add(data.get(ValueLayout.JAVA_LONG_UNALIGNED, 0) * 10
                                    + data.get(ValueLayout.JAVA_LONG_UNALIGNED, 8)),
                            9);
                }
            }
            assertThat(seen)
                    .isEqualTo(LongStream.range(0, reports)
                            .boxed()
                            .flatMap(key -> Stream.of(key * 10 + 1, key * 10 + 2))
                            .toList());
        }
    }

    @Test
    void aSessionEndsWithItsTimers() throws IOException {
        try (ToldProgram program = ToldProgram.start(file)) {
            for (int i = 0; i < 3; i++) {
                try (Session session = open(program)) {
                    Ours side = new Ours(session, program);
                    arm(side, "hash", 1, elementOf(Todo.AGAIN, Integer.MAX_VALUE, 0), 0);
                    arm(side, "array", 1, elementOf(Todo.NOTHING, 0, 0), LATE);
                    side.awaitFired(10);
                }
                program.does("with 0");
            }
        }
    }

    /** Programs and others push it out of a full map; its element is used again or waits for that. */
    @Test
    void whatIsEvictedDoesNotFire() throws IOException {
        int armed = 8;
        int others = 300;
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            for (int key = 0; key < armed; key++) {
                arm(side, "lru", key, elementOf(Todo.NOTHING, 0, 0), PAUSE);
            }
            for (int key = armed; key < others; key++) {
                if (key % 2 == 0) {
                    assertThat(side.update("lru", key, elementOf(Todo.NOTHING, 0, 0), 0))
                            .isZero();
                } else {
                    assertThat(side.result(Told.of("lru", What.UPDATE, key))).isZero();
                }
            }
            for (int key = 0; key < armed; key++) {
                assertThat(side.value("lru", key)).isEmpty();
            }
            long before = side.note(Note.FIRED); // unless the machine stood still for so long
            arm(side, "array", 1, elementOf(Todo.NOTHING, 0, 0), 2L * PAUSE);
            side.awaitFired(before + 1);
            assertThat(side.note(Note.FIRED)).isEqualTo(before + 1);
        }
    }

    /** As one that a process under a filter starts, which cannot wake anybody. */
    @Test
    void aTimerThatNobodyTellsOfIsFound() throws IOException {
        try (ToldProgram program = ToldProgram.start(file);
                Session session = open(program)) {
            Ours side = new Ours(session, program);
            arm(side, "hash", 1, elementOf(Todo.NOTHING, 0, 0), LATE);
            BpfMap map = session.collection().map("hash").orElseThrow();
            long value = MapView.of(map).orElseThrow().lookup(key(1)).orElseThrow();
            for (int times = 1; times < 5; times++) {
                assertThat(MapTimers.of(map).orElseThrow().start(value + TIMER, 0, 0, _ -> 0))
                        .isZero();
                side.awaitFired(times);
            }
        }
    }

    /** Two processes do the same to one timer, which fires meanwhile, until one is killed in the middle of it. */
    @Test
    void deathsLeaveTimersThatWork() throws IOException {
        Random random = new Random();
        for (int death = 0; death < DEATHS; death++) {
            try (ToldProgram dies = ToldProgram.start(file);
                    ToldProgram goesOn = ToldProgram.start(file);
                    Session session = open(dies, goesOn)) {
                Ours side = new Ours(session, goesOn);
                String map = MAPS.get(death % MAPS.size());
                What what = List.of(What.ARM, What.START, What.CANCEL, What.UPDATE, What.DELETE)
                        .get(random.nextInt(5));
                arm(side, map, 1, elementOf(Todo.AGAIN, Integer.MAX_VALUE, 0), 0);
                side.run(new Told(MAPS.indexOf(map), what, 1, 0, 0, elementOf(Todo.NOTHING, 0, 0)));
                dies.begins("zero 1000000000");
                goesOn.does("zero " + (1000 + random.nextInt(50_000)));
                dies.kill();
                assertThat(session.endedTargets()).hasSize(1);
                goesOn.does("zero 1000");
                assertThat(side.update(map, 1, elementOf(Todo.NOTHING, 0, 0), 0))
                        .as("%s of %s", what, map)
                        .isZero();
                assertThat(side.result(Told.of(map, What.INIT, 1, 0, 1)))
                        .as("%s of %s", what, map)
                        .isZero();
                assertThat(side.result(Told.of(map, What.ARM, 1, LATE, 0))).isZero();
                assertThat(side.result(Told.of(map, What.CANCEL, 1))).isEqualTo(1);
                long before = side.note(Note.FIRED);
                assertThat(side.result(Told.of(map, What.ARM, 1, 0, 0))).isZero();
                side.awaitFired(before + 1);
                assertThat(session.collection().timersGivenUp()).isZero();
            }
        }
    }
}

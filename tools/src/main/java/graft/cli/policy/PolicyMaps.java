package graft.cli.policy;

import graft.daemon.Session;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.RingBuffer;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** The maps of a session that {@code policy.bpf.c} runs in. Borrows the session; the mode may be set by any thread. */
public final class PolicyMaps {
    private static final int BATCH = 256;

    private final Session session;
    private final KeyedMap mode;
    private final KeyedMap counters;
    private final RingBuffer events;

    public PolicyMaps(Session session) {
        this.session = session;
        this.mode = map("rule_mode", KeyedMap.class);
        this.counters = map("rule_counters", KeyedMap.class);
        this.events = map("rule_events", RingBuffer.class);
    }

    /**
     * What a rule has counted.
     *
     * @param matched calls
     * @param wouldDeny calls that were made because the mode was monitor
     * @param denied calls that were not made
     */
    public record Counts(long matched, long wouldDeny, long denied) {
        static final Counts NONE = new Counts(0, 0, 0);
    }

    private <T> T map(String name, Class<T> type) {
        return session.collection()
                .map(name)
                .filter(type::isInstance)
                .map(type::cast)
                .orElseThrow(() -> new AssertionError("the program has no map " + name));
    }

    /** Writes the rules of a policy that {@link RuleTables} can hold; the mode should be off. */
    public void write(Policy policy) {
        RuleTables tables = switch (RuleTables.of(policy)) {
            case RuleTables.Making.Made(var made) -> made;
            case RuleTables.Making.TooLarge(var why) -> throw new IllegalArgumentException(why);
        };
        KeyedMap rows = map("rule_rows", KeyedMap.class);
        for (int i = 0; i < tables.rows().size(); i++) {
            put(rows, i, tables.rows().get(i));
        }
        put(map("rule_paths", KeyedMap.class), 0, tables.automaton().table());
        KeyedMap calls = map("rule_calls", KeyedMap.class);
        tables.hooked().forEach((number, value) -> put(calls, number, value));
        KeyedMap disturbances = map("rule_disturbances", KeyedMap.class);
        KeyedMap pokes = map("rule_pokes", KeyedMap.class);
        KeyedMap targets = map("rule_targets", KeyedMap.class);
        for (int i = 0; i < policy.rules().size(); i++) {
            Rule rule = policy.rules().get(i);
            put(disturbances, i, rule.disturbance().bytes());
            for (Poke poke : rule.disturbance().pokes()) {
                put(pokes, i * Poke.MOST + rule.disturbance().pokes().indexOf(poke), poke.bytes());
            }
            if (rule.action() instanceof Action.Redirect(var path)) {
                byte[] text = path.getBytes(StandardCharsets.UTF_8);
                put(targets, i, Arrays.copyOf(text, targets.spec().valueSize()));
            }
        }
    }

    /** From now on the program does this: one store, which every processor sees at its next call. */
    public void set(Mode to) {
        put(mode, 0, number(to.ordinal()));
    }

    /** What the program does. */
    public Mode mode() {
        return Mode.values()[value(mode, 0).getInt(0)];
    }

    /** The counters of the policy's rules, then the default's. */
    public List<Counts> counts(Policy policy) {
        return IntStream.rangeClosed(0, policy.rules().size())
                .map(i -> i == policy.rules().size() ? RuleTables.DEFAULT_COUNTER : i)
                .mapToObj(i -> value(counters, i))
                .map(value -> new Counts(value.getLong(0), value.getLong(8), value.getLong(16)))
                .toList();
    }

    /** Takes the events that are there; waits for some, at most for {@code limit}. How many there were. */
    public int read(Duration limit, Consumer<MemorySegment> receiver) {
        int received = events.drain(receiver::accept, BATCH);
        if (received == 0 && !limit.isZero()) {
            events.await(limit);
            received = events.drain(receiver::accept, BATCH);
        }
        return received;
    }

    private static void put(KeyedMap map, int key, byte[] value) {
        int error = map.update(number(key), value, 0);
        if (error != 0) {
            throw new IllegalStateException("map " + map.spec().name() + " takes no value: error " + error);
        }
    }

    private static ByteBuffer value(KeyedMap map, int key) {
        return ByteBuffer.wrap(map.lookup(number(key)).orElseThrow()).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }
}

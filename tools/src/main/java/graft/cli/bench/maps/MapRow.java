package graft.cli.bench.maps;

import java.util.Locale;
import java.util.Optional;

/** One operation that is measured. */
public enum MapRow {
    ARRAY_LOOKUP(Filled.of("read_array")),
    PERCPU_ARRAY_LOOKUP(Filled.of("read_rows")),
    HASH_LOOKUP_HIT(Filled.of("read_hash")),
    HASH_LOOKUP_MISS(Filled.behind("missed_hash")),
    HASH_UPDATE(Filled.of("updated_hash")),
    HASH_REPLACE(Filled.of("replaced_hash")),
    HASH_INSERT_DELETE(Filled.of("churned_hash")),
    REQUEST_INSERT_DELETE(Filled.nothing("requests")),
    PERCPU_HASH_LOOKUP(Filled.of("found_rows")),
    PERCPU_HASH_UPDATE(Filled.of("updated_rows")),
    LRU_LOOKUP_HIT(Filled.of("read_lru")),
    LRU_UPDATE(Filled.of("updated_lru")),
    LRU_EVICT,
    QUEUE_PUSH_POP,
    BLOOM_PUSH_PEEK,
    HASH_COUNT(Filled.nothing("counts")),
    RING_64(Filled.nothing("events")),
    PROBE_READ_8(Filled.of("read_memory")),
    PROBE_READ_APART(Filled.of("read_memory")),
    PROBE_READ_STACK,
    KTIME,
    PID_TGID,
    PROCESSOR;

    /** Operations of one run of a row's program. */
    public static final int OPERATIONS = 1000;

    private final Optional<Filled> map;

    /**
     * The row's own map.
     *
     * @param first key that it has before the program runs
     * @param keys how many it has from there on
     */
    record Filled(String name, int first, int keys) {
        static Filled of(String name) {
            return new Filled(name, 0, OPERATIONS);
        }

        static Filled behind(String name) {
            return new Filled(name, OPERATIONS, OPERATIONS);
        }

        static Filled nothing(String name) {
            return new Filled(name, 0, 0);
        }
    }

    MapRow() {
        this.map = Optional.empty();
    }

    MapRow(Filled map) {
        this.map = Optional.of(map);
    }

    /** The map that its program works on, but for rows that need none. */
    Optional<Filled> map() {
        return map;
    }

    /** Of the packaged object. */
    public String program() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The function of the target that the program is attached to. */
    String function() {
        return "row_map_" + program();
    }

    /** As printed. */
    public String label() {
        return program().replace('_', '-');
    }
}

package graft.cli.bench.maps;

import graft.bridge.KernelTestProgram;
import graft.cli.bench.Samples;
import graft.daemon.Session;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** One row twice: in the target and in the kernel. Owns the kernel's side. */
final class MapCell implements AutoCloseable {
    private static final String GLOBALS = ".bss";

    /** So many runs fit into the ring. */
    private static final int RING_RUNS = 14;

    private static final byte[] FIRST = new byte[Integer.BYTES];

    private final MapRow row;
    private final Writers writers;
    private final KernelTestProgram kernel;
    private final ArrayMap globals;
    private final Optional<MapSide> here;
    private final Optional<MapSide> there;
    private final TreeMap<Integer, Both> samples = new TreeMap<>();

    MapCell(MapRow row, Writers writers, Session session, KernelTestProgram kernel) {
        this.row = row;
        this.writers = writers;
        this.kernel = kernel;
        this.globals = switch (map(session, GLOBALS)) {
            case ArrayMap array -> array;
            case BpfMap other -> throw new AssertionError(GLOBALS + " is " + other);
        };
        this.here = row.map().map(map -> new ProcessSide(map(session, map.name())));
        this.there = row.map().map(map -> KernelSide.of(kernel.maps().get(map.name())));
    }

    private static BpfMap map(Session session, String name) {
        return session.collection().map(name).orElseThrow();
    }

    /** Fills both maps, runs both programs once, and compares what they left. */
    void requireSame() {
        row.map().ifPresent(map -> {
            here.orElseThrow().fill(map);
            there.orElseThrow().fill(map);
            globals.update(FIRST, new byte[globals.valueBytes()], 0);
            writers.runTwice(row.function());
            kernel.run(2);
            require("variables", globals.lookup(FIRST).orElseThrow(), kernelGlobals());
            TreeMap<Long, byte[]> ours = here.orElseThrow().contents();
            TreeMap<Long, byte[]> theirs = there.orElseThrow().contents();
            if (!ours.keySet().equals(theirs.keySet())) {
                throw new IllegalStateException("%s: %d keys in the process, %d in the kernel"
                        .formatted(row.label(), ours.size(), theirs.size()));
            }
            ours.forEach((key, value) -> require("key " + key, value, theirs.get(key)));
        });
    }

    private byte[] kernelGlobals() {
        return kernel.maps().containsKey(GLOBALS)
                ? kernel.maps().get(GLOBALS).lookup(FIRST).orElseThrow()
                : new byte[globals.valueBytes()];
    }

    private void require(String what, byte[] ours, byte[] theirs) {
        if (!Arrays.equals(ours, theirs)) {
            throw new IllegalStateException("%s: %s is %s in the process and %s in the kernel"
                    .formatted(row.label(), what, Arrays.toString(ours), Arrays.toString(theirs)));
        }
    }

    /** One batch of so many writers on each side. */
    void measure(int count, long nanos) {
        boolean ring = row == MapRow.RING_64;
        long most = ring ? RING_RUNS / (2 * count) : Long.MAX_VALUE;
        Writers.Batch ours = writers.measure(count, row.function(), nanos, most);
        Writers.Batch theirs = Writers.measure(count, kernel, nanos, most);
        samples.computeIfAbsent(count, _ -> new Both()).add(ours, theirs);
        if (ring) {
            requireRecords(here.orElseThrow().drain(), ours);
            requireRecords(there.orElseThrow().drain(), theirs);
        }
    }

    /** A full ring would be fast. */
    private static void requireRecords(int records, Writers.Batch batch) {
        if (records != batch.all() * MapRow.OPERATIONS) {
            throw new IllegalStateException("%d records of %d runs".formatted(records, batch.all()));
        }
    }

    /** A row for each number of writers. */
    Stream<MapResult.Row> results() {
        return samples.entrySet().stream()
                .map(entry -> new MapResult.Row(
                        row,
                        entry.getKey(),
                        entry.getValue().kernel().result(),
                        entry.getValue().graft().result()));
    }

    private record Both(Side graft, Side kernel) {
        Both() {
            this(new Side(new ArrayList<>(), new ArrayList<>()), new Side(new ArrayList<>(), new ArrayList<>()));
        }

        void add(Writers.Batch ours, Writers.Batch theirs) {
            graft.add(ours);
            kernel.add(theirs);
        }
    }

    private record Side(List<Double> nanos, List<Double> rates) {
        void add(Writers.Batch batch) {
            nanos.add(batch.nanos() / MapRow.OPERATIONS);
            rates.add(batch.rate() * MapRow.OPERATIONS);
        }

        MapResult.Side result() {
            return new MapResult.Side(samples(nanos), samples(rates));
        }

        private static Samples samples(List<Double> values) {
            return Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray());
        }
    }

    @Override
    public void close() {
        there.ifPresent(MapSide::close);
        kernel.close();
    }
}

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

/** One row twice: in the target and in the kernel. Owns the kernel's side. */
final class MapCell implements AutoCloseable {
    private static final String GLOBALS = ".bss";
    private static final byte[] FIRST = new byte[Integer.BYTES];

    private final MapRow row;
    private final Writers writers;
    private final KernelTestProgram kernel;
    private final ArrayMap globals;
    private final Optional<MapSide> here;
    private final Optional<MapSide> there;
    private final List<Double> graftTimes = new ArrayList<>();
    private final List<Double> kernelTimes = new ArrayList<>();

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

    /** One batch on each side. */
    void measure(int runs) {
        graftTimes.add(writers.measure(row.function(), runs) / MapRow.OPERATIONS);
        kernelTimes.add(writers.measure(kernel, runs) / MapRow.OPERATIONS);
        if (row == MapRow.RING_64) {
            requireRecords(here.orElseThrow().drain(), runs);
            requireRecords(there.orElseThrow().drain(), runs);
        }
    }

    /** A full ring would be fast. */
    private void requireRecords(int records, int runs) {
        if (records != 2 * runs * MapRow.OPERATIONS * writers.count()) {
            throw new IllegalStateException("%d records of %d runs".formatted(records, 2 * runs));
        }
    }

    MapResult.Row result() {
        return new MapResult.Row(row, samples(kernelTimes), samples(graftTimes));
    }

    private static Samples samples(List<Double> times) {
        return Samples.of(times.stream().mapToDouble(Double::doubleValue).toArray());
    }

    @Override
    public void close() {
        there.ifPresent(MapSide::close);
        kernel.close();
    }
}

package graft.cli;

import graft.cli.bench.maps.MapResult;
import graft.cli.bench.maps.MapRow;
import graft.cli.bench.maps.MapsSuite;
import graft.cli.option.OutputOptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft bench maps}. */
@Command(name = "maps", description = "Operations on maps and other helpers, in a process and in the kernel.")
final class BenchMapsCommand implements Runnable {
    /** So many run the ring's program before its records are taken out. */
    private static final int MOST_WRITERS = 7;

    @Mixin
    private OutputOptions output;

    @Option(names = "--rounds", paramLabel = "N", description = "batches of each cell; default ${DEFAULT-VALUE}")
    private int rounds = 41;

    @Option(names = "--window", paramLabel = "MS", description = "milliseconds of a batch; default ${DEFAULT-VALUE}")
    private int window = 4;

    @Option(
            names = "--writers",
            paramLabel = "N[,N...]",
            split = ",",
            description = "processes, and threads in the kernel, that do it at the same time; default ${DEFAULT-VALUE}")
    private SortedSet<Integer> writers = new TreeSet<>(Set.of(1));

    @Parameters(arity = "0..*", paramLabel = "OPERATION", description = "only these operations")
    private List<String> operations =
            Arrays.stream(MapRow.values()).map(MapRow::label).toList();

    @Override
    public void run() {
        for (int count : writers) {
            if (count < 1 || count > MOST_WRITERS) {
                throw output.usageError("--writers " + count + ": 1 to " + MOST_WRITERS);
            }
        }
        if (rounds < 1 || window < 1) {
            throw output.usageError("--rounds and --window are 1 or more");
        }
        List<MapRow> rows = operations.stream().map(this::row).toList();
        MapResult result = new MapsSuite(
                        BenchCommand::during, new MapsSuite.Effort(rounds, Duration.ofMillis(window), writers))
                .run(rows);
        BenchCommand.print(output, result.benchRows(), result.table());
    }

    private MapRow row(String label) {
        return Arrays.stream(MapRow.values())
                .filter(row -> row.label().equals(label))
                .findFirst()
                .orElseThrow(() -> output.usageError("no operation " + label + ": "
                        + Arrays.stream(MapRow.values()).map(MapRow::label).collect(Collectors.joining(", "))));
    }
}

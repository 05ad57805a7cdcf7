package graft.cli.fuzz;

import graft.cli.option.HelpOptions;
import graft.cli.process.Interruption;
import graft.ebpf.object.MapType;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft fuzz maps}: the same random operations on maps of graft's and of the kernel's. */
@Command(
        name = "maps",
        description = "Does random operations on maps of graft's and of the kernel's; compares results and errors.",
        footerHeading = "%nNeeds root. Everything can be repeated from its seed.%nExamples:%n",
        footer = {
            "  graft fuzz maps --operations 50000      of each type",
            "  graft fuzz maps --type HASH_OF_MAPS     of one type only",
            "  graft fuzz maps --seed 1000000          other maps and operations"
        })
final class MapFuzzCommand implements Callable<Integer> {
    /** On one map, before the next one is made. */
    static final int OPERATIONS_OF_MAP = 1000;

    @Option(
            names = "--operations",
            paramLabel = "COUNT",
            defaultValue = "1000000",
            description = "how many on each type of map (default: 1,000,000)")
    private long operations;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0", description = "the first one (default: 0)")
    private long seed;

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            description = "only this type of map (default: all); may be repeated")
    private List<MapType> types = MapCase.TYPES;

    @Mixin
    private HelpOptions options;

    @Override
    public Integer call() {
        long differences = 0;
        try (Interruption interruption = new Interruption()) {
            for (MapType type : types) {
                differences += fuzz(type, interruption);
            }
        }
        return differences == 0 ? 0 : 1;
    }

    private long fuzz(MapType type, Interruption interruption) {
        PrintWriter out = options.out();
        long done = 0;
        long differences = 0;
        long next = seed;
        while (done < operations && !interruption.hasCome()) {
            Optional<String> difference = MapComparison.run(MapCase.of(type, next++), OPERATIONS_OF_MAP);
            difference.ifPresent(options.err()::println);
            differences += difference.isPresent() ? 1 : 0;
            done += OPERATIONS_OF_MAP;
        }
        out.printf(
                Locale.ROOT,
                "%s: %,d operations on %,d maps from seed %d, graft = kernel: %,d differences%n",
                type,
                done,
                next - seed,
                seed,
                differences);
        out.flush();
        return differences;
    }
}

package graft.cli;

import graft.cli.bench.EventsResult;
import graft.cli.bench.EventsSuite;
import graft.cli.option.OutputOptions;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench events}. */
@Command(
        name = "events",
        description = "Events of several processes to one reader, by a ring in memory and by the kernel's.")
final class BenchEventsCommand implements Runnable {
    private static final int MOST_PROCESSES = 64;

    @Mixin
    private OutputOptions output;

    @Option(names = "--processes", paramLabel = "N", description = "that send events; default ${DEFAULT-VALUE}")
    private int processes = 4;

    @Option(names = "--rate", paramLabel = "N", description = "events a second of all; default ${DEFAULT-VALUE}")
    private long rate = 1_000_000;

    @Option(names = "--seconds", paramLabel = "N", description = "in each place; default ${DEFAULT-VALUE}")
    private long seconds = 3;

    @Override
    public void run() {
        if (processes < 1 || processes > MOST_PROCESSES) {
            throw output.usageError("--processes " + processes + ": 1 to " + MOST_PROCESSES);
        }
        if (rate < processes || seconds < 1) {
            throw output.usageError(
                    "--rate and --seconds: at least one event a second of each process, for one second");
        }
        EventsResult result = new EventsSuite(
                        BenchCommand::during,
                        new EventsSuite.Effort(processes, rate, seconds, Duration.ofSeconds(seconds)))
                .run();
        BenchCommand.print(output, result.benchRows(), result.table());
    }
}

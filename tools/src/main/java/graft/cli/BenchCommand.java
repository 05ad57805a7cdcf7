package graft.cli;

import graft.cli.bench.AttachSuite;
import graft.cli.bench.BenchReport;
import graft.cli.bench.BenchRow;
import graft.cli.bench.UprobeSuite;
import graft.cli.option.HelpOptions;
import graft.cli.option.OutputOptions;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench}: measures what probes cost here. */
@Command(
        name = "bench",
        description = "Measures on this machine: each suite is one run with its own baseline.",
        synopsisSubcommandLabel = "SUITE",
        subcommands = {
            BenchCommand.Uprobe.class,
            BenchCommand.Attach.class,
            BenchNginxCommand.class,
            BenchVmCommand.class,
            BenchMapsCommand.class,
            BenchEventsCommand.class,
            BenchSyscallCommand.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft bench uprobe                      what one probe costs, and in the kernel",
            "  graft bench attach                      how long a process is held to attach to it",
            "  graft bench nginx                       throughput of nginx under TLS capture and tools",
            "  graft bench vm                          compiled programs against gcc -O2 and the kernel",
            "  graft bench maps                        operations on maps against the kernel's",
            "  graft bench events                      events of four processes to one reader, and in the kernel",
            "  graft bench syscall                     what programs add to a system call, and in the kernel"
        })
final class BenchCommand implements Runnable {
    private static final int WARM_UPS = 30;

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        throw console.usageError("which suite? see graft bench --help");
    }

    static void print(OutputOptions options, List<BenchRow> rows, List<String> text) {
        switch (options.format()) {
            case text -> text.forEach(options.out()::println);
            case json, jsonl -> rows.forEach(row -> options.out().println(BenchReport.json(row)));
        }
    }

    /** For each row that graft and the kernel both have: how many times more the kernel adds. */
    private static List<String> ratios(List<BenchRow> rows) {
        List<String> lines = new ArrayList<>();
        for (BenchRow graft : rows) {
            rows.stream()
                    .filter(row -> graft.who() == BenchRow.Who.GRAFT && row.who() == BenchRow.Who.KERNEL)
                    .filter(kernel -> kernel.row().equals(graft.row()) && graft.added() > 0)
                    .findFirst()
                    .ifPresent(kernel -> lines.add(String.format(
                            Locale.ROOT,
                            "%s: the kernel adds %.0f times as much",
                            graft.row(),
                            kernel.added() / graft.added())));
        }
        return lines;
    }

    /** {@code graft bench uprobe}. */
    @Command(name = "uprobe", description = "What one probe adds to a call, by graft and by the kernel.")
    static final class Uprobe implements Runnable {
        @Mixin
        private OutputOptions output;

        @Option(names = "--rounds", paramLabel = "N", description = "batches of each row; default ${DEFAULT-VALUE}")
        private int rounds = 21;

        @Override
        public void run() {
            UprobeSuite.Effort effort = new UprobeSuite.Effort(rounds, 2_000_000, 5_000);
            List<BenchRow> rows = new UprobeSuite(BenchCommand::during, effort).run();
            List<String> text = new ArrayList<>(BenchReport.table(rows));
            text.addAll(ratios(rows));
            print(output, rows, text);
        }
    }

    /** {@code graft bench attach}. */
    @Command(name = "attach", description = "How long a process is held by an attach, and what it holds afterwards.")
    static final class Attach implements Runnable {
        @Mixin
        private OutputOptions output;

        @Option(names = "--rounds", paramLabel = "N", description = "warm attaches; default ${DEFAULT-VALUE}")
        private int rounds = 200;

        @Option(names = "--colds", paramLabel = "N", description = "whole commands; default ${DEFAULT-VALUE}")
        private int colds = 10;

        @Override
        public void run() {
            AttachSuite.Effort effort = new AttachSuite.Effort(rounds, colds, WARM_UPS);
            AttachSuite suite = new AttachSuite(BenchCommand::during, TlsCommand::request, effort);
            List<BenchRow> rows = suite.run(launcher());
            print(output, rows, BenchReport.tails(rows));
        }

        private static Path launcher() {
            return Path.of(System.getProperty("graft.root", "."), "graft");
        }
    }

    static <T> T during(SessionRequest request, Function<Session, T> work) {
        try (LiveSession live = LiveSession.open(request)) {
            T result = work.apply(live.session());
            live.detach();
            return result;
        }
    }
}

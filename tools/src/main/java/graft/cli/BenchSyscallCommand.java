package graft.cli;

import graft.cli.bench.BenchReport;
import graft.cli.bench.BenchRow;
import graft.cli.bench.SyscallSuite;
import graft.cli.option.OutputOptions;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench syscall}. */
@Command(name = "syscall", description = "What programs add to a system call, by graft and by the kernel.")
final class BenchSyscallCommand implements Runnable {
    private static final long CALLS = 200_000;

    @Mixin
    private OutputOptions output;

    @Option(names = "--rounds", paramLabel = "N", description = "batches of each row; default ${DEFAULT-VALUE}")
    private int rounds = 21;

    @Override
    public void run() {
        List<BenchRow> rows = new SyscallSuite(BenchCommand::during, rounds, CALLS).run();
        BenchCommand.print(output, rows, BenchReport.table(rows));
    }
}

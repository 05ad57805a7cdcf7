package graft.cli;

import graft.cli.bench.vm.VmResult;
import graft.cli.bench.vm.VmSuite;
import graft.cli.bench.vm.Workload;
import graft.cli.option.OutputOptions;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft bench vm}. */
@Command(name = "vm", description = "Compiled programs against the same C by gcc -O2 and by the kernel's compiler.")
final class BenchVmCommand implements Runnable {
    private static final int COMPILATIONS = 60;

    @Mixin
    private OutputOptions output;

    @Option(names = "--rounds", paramLabel = "N", description = "batches of each cell; default ${DEFAULT-VALUE}")
    private int rounds = 41;

    @Option(
            names = "--batch",
            paramLabel = "US",
            description = "microseconds of a batch, short against a time slice; default ${DEFAULT-VALUE}")
    private int batch = 200;

    @Parameters(arity = "0..*", paramLabel = "PROGRAM", description = "only these programs")
    private List<String> programs = Workload.NAMES;

    @Override
    public void run() {
        for (String program : programs) {
            if (!Workload.NAMES.contains(program)) {
                throw output.usageError("no program " + program + ": " + String.join(", ", Workload.NAMES));
            }
        }
        VmResult result = new VmSuite(new VmSuite.Effort(rounds, batch * 1000L, COMPILATIONS)).run(programs);
        BenchCommand.print(output, result.benchRows(), result.table());
    }
}

package graft.cli;

import graft.cli.fuzz.FuzzCommand;
import graft.cli.vm.VmCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code graft} itself: the list of commands. */
@Command(
        name = "graft",
        description = "Runs eBPF inside other processes: live, no restart, and undone without a trace.",
        mixinStandardHelpOptions = true,
        version = "graft 0.1.0",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            DoctorCommand.class,
            ListCommand.class,
            PlanCommand.class,
            RunCommand.class,
            TlsCommand.class,
            LatencyCommand.class,
            CountCommand.class,
            AsmCommand.class,
            VmCommand.class,
            FuzzCommand.class,
            BenchCommand.class,
            RecoverCommand.class,
            ExplainCommand.class,
            CommandLine.HelpCommand.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft demo                              see it work on a real nginx",
            "  graft doctor                            what works here",
            "  graft tls -p 4711                       decrypted traffic of a process",
            "",
            "Build and test from a source tree: graft test [--quick], graft setup [--check]"
        })
final class GraftCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}

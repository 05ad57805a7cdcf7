package graft.cli.vm;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code graft vm}: the eBPF machine without a target. */
@Command(
        name = "vm",
        description = "The eBPF machine by itself: run, check and read programs without a target.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {ExecCommand.class, VerifyCommand.class, DisasmCommand.class},
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft vm verify tool.bpf.o              every program: accepted or why not, and the cost",
            "  echo b7000000050000009500000000000000 | graft vm exec",
            "  echo b7000000050000009500000000000000 | graft vm disasm"
        })
public final class VmCommand implements Runnable {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    private boolean help;

    @Spec
    private CommandSpec spec;

    /** For picocli. */
    public VmCommand() {}

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "which command? see graft vm --help");
    }
}

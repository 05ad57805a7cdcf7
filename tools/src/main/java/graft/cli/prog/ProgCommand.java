package graft.cli.prog;

import graft.cli.option.HelpOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft prog}: programs of running sessions. */
@Command(
        name = "prog",
        description = "Programs of running sessions.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {ProgListCommand.class, ProgDumpCommand.class},
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft prog list                         all programs of all sessions",
            "  graft prog dump on_call                 its instructions, and its machine code in each process",
            "  graft prog dump on_call --show code     the machine code alone"
        })
public final class ProgCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    /** For picocli. */
    public ProgCommand() {}

    @Override
    public void run() {
        throw console.usageError("which command? see graft prog --help");
    }
}

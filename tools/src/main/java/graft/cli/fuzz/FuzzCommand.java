package graft.cli.fuzz;

import graft.cli.option.HelpOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft fuzz}: searches for faults in graft itself. */
@Command(
        name = "fuzz",
        description = "Searches for faults in graft itself, with generated input.",
        synopsisSubcommandLabel = "WHAT",
        subcommands = {VmFuzzCommand.class, VerdictFuzzCommand.class, MapFuzzCommand.class},
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft fuzz vm                           two million programs in three engines",
            "  graft fuzz verdicts                     two verifiers on programs that are safe by a hair",
            "  graft fuzz maps                         a million operations on each type of map, and in the kernel"
        })
public final class FuzzCommand implements Runnable {
    @Mixin
    private HelpOptions options;

    /** For picocli. */
    public FuzzCommand() {}

    @Override
    public void run() {
        throw options.usageError("which part? see graft fuzz --help");
    }
}

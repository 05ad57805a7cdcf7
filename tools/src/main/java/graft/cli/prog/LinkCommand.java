package graft.cli.prog;

import graft.cli.option.HelpOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft link}: where programs run. */
@Command(
        name = "link",
        description = "Links of running sessions: programs at places of processes.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = LinkListCommand.class,
        footerHeading = "%nExamples:%n",
        footer = {"  graft link list", "  graft link list -p 4711", "  graft link list -o jsonl"})
public final class LinkCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    /** For picocli. */
    public LinkCommand() {}

    @Override
    public void run() {
        throw console.usageError("which command? see graft link --help");
    }
}

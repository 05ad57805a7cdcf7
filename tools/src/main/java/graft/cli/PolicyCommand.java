package graft.cli;

import graft.cli.option.HelpOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft policy}: rules for system calls. */
@Command(
        name = "policy",
        description =
                "Rules for system calls: allow, deny, redirect, signal, log or kill, in running processes, switched live. No "
                        + "boundary against hostile code: that is seccomp (graft policy export) or an LSM.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            PolicyCheckCommand.class,
            PolicyApplyCommand.class,
            PolicyModeCommand.class,
            PolicyListCommand.class,
            PolicyExportCommand.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft policy check web.yaml             what it would hook, or every mistake",
            "  graft policy apply web.yaml -p 4711     counts what it would deny, until Ctrl-C",
            "  graft policy mode enforce               from now on it denies",
            "  graft policy export --seccomp web.yaml  the same for the kernel, as far as a filter can say it",
            "  graft policy list                       running policies and their counters"
        })
final class PolicyCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        throw console.usageError("which command? see graft policy --help");
    }
}

package graft.cli;

import graft.attach.Recovery;
import graft.cli.option.HelpOptions;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft undo}: takes back what {@code graft patch --keep} has left in processes. */
@Command(
        name = "undo",
        description = "Restores processes in which graft patch --keep has left other code.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft undo           in all processes",
            "  graft undo 4711      in this one",
            "  graft explain T101"
        })
final class UndoCommand implements Runnable {
    @Parameters(paramLabel = "PID", arity = "0..*", description = "processes; none: all")
    private List<Integer> pids = new ArrayList<>();

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        RecoverCommand.report(console, Recovery.undoKept(pids));
    }
}

package graft.cli;

import graft.attach.Recovery;
import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft recover}: undoes what a killed graft left behind. */
@Command(
        name = "recover",
        addMethodSubcommands = false,
        description = "Restores processes whose graft was killed, from the undo journals.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft recover", "  sudo graft recover      also what root had attached", "  graft explain T101"})
final class RecoverCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        report(console, Recovery.recover());
    }

    /** Says what became of each journal; fails when one could not be used. */
    static void report(HelpOptions console, List<Recovery.Outcome> outcomes) {
        PrintWriter out = console.out();
        boolean failed = false;
        for (Recovery.Outcome outcome : outcomes) {
            switch (outcome) {
                case Recovery.Outcome.Restored(var _, var pid, var sites) ->
                    out.printf("process %d restored: %d sites%n", pid, sites);
                case Recovery.Outcome.ProcessGone(var _, var pid) ->
                    out.printf("process %d has ended: nothing left to restore%n", pid);
                case Recovery.Outcome.InUse(var journal, var daemon) ->
                    out.printf("%s belongs to graft %d, which is alive: left alone%n", journal, daemon);
                case Recovery.Outcome.Torn(var journal, var reason) ->
                    out.printf("%s was never completed (%s): nothing had been changed%n", journal, reason);
                case Recovery.Outcome.Failed(var journal, var reason) -> {
                    out.printf("%s: %s%n", journal, reason);
                    failed = true;
                }
            }
        }
        if (failed) {
            throw Problem.of("T101", "not everything could be recovered").failure();
        }
    }
}

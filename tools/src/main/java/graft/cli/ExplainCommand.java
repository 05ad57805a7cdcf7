package graft.cli;

import graft.cli.error.Catalogue;
import graft.cli.error.Problem;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code graft explain}: what an error code means and what to do. */
@Command(
        name = "explain",
        description = "Explains an error code; without one, lists all.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft explain", "  graft explain GRAFT-A004", "  graft explain t003"})
final class ExplainCommand implements Runnable {
    @Parameters(arity = "0..1", paramLabel = "CODE", description = "for example GRAFT-A004, or a004")
    private Optional<String> code = Optional.empty();

    @Option(names = "--markdown", description = "print the documentation page of all codes")
    private boolean markdown;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    private boolean help;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Catalogue catalogue = Catalogue.packaged();
        PrintWriter out = spec.commandLine().getOut();
        if (markdown) {
            out.print(catalogue.markdown());
        } else if (code.isEmpty()) {
            catalogue.entries().forEach(entry -> out.println(entry.printed() + "  " + entry.title()));
        } else {
            Catalogue.Entry entry = catalogue
                    .find(code.get())
                    .orElseThrow(() -> Problem.of("U003", "graft explain: no error code " + code.get())
                            .failure());
            out.println(Problem.of(entry.code(), "").text(catalogue));
            out.println("  exit status: " + entry.exit().status());
        }
    }
}

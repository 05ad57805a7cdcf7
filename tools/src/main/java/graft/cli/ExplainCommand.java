package graft.cli;

import graft.cli.error.Catalogue;
import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

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

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        Catalogue catalogue = Catalogue.packaged();
        PrintWriter out = console.out();
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

package graft.cli;

import graft.cli.error.ExitCode;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft doctor}: what works on this machine, what does not, why, how to fix it. */
@Command(
        name = "doctor",
        description = "Shows what works here, what does not, why, and how to fix it.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft doctor", "  graft doctor -o json", "  graft doctor -p 4711"})
final class DoctorCommand implements Callable<Integer> {
    @Option(
            names = {"-p", "--pid"},
            paramLabel = "PID",
            description = "also check whether this process can be traced")
    private List<Integer> pids = List.of();

    @Mixin
    private OutputOptions console;

    @Override
    public Integer call() {
        PrintWriter out = console.out();
        List<Finding> findings = Finding.all(pids);
        for (Finding finding : findings) {
            out.println(
                    switch (console.format()) {
                        case text -> finding.text();
                        case json, jsonl -> json(finding);
                    });
        }
        boolean attachable = findings.stream().noneMatch(Finding::blocksEverything);
        return (attachable ? ExitCode.FINE : ExitCode.PERMISSION_OR_FEATURE).status();
    }

    private static String json(Finding finding) {
        JsonWriter json = new JsonWriter().beginObject();
        json.member("type", "finding").member("what", finding.what());
        json.member("state", finding.state().word().replace(' ', '_'));
        return json.member("detail", finding.detail()).endObject().toString();
    }
}

package graft.cli.prog;

import graft.cli.map.FoundSessions;
import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.cli.output.TextTable;
import graft.daemon.control.RemoteSession;
import graft.daemon.control.SessionView;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft link list}. */
@Command(
        name = "list",
        description = "Lists which program runs where: in which process, at which place.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft link list", "  graft link list -p 4711", "  graft link list -o jsonl"})
final class LinkListCommand implements Runnable {
    @Option(
            names = {"-p", "--pid"},
            paramLabel = "PID",
            split = ",",
            description = "only links in this process; may be repeated")
    private List<Integer> pids = new ArrayList<>();

    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        TextTable table = TextTable.of(
                TextTable.numbers("GRAFT"),
                TextTable.numbers("PID"),
                TextTable.words("PROG"),
                TextTable.words("PLACE"),
                TextTable.words("ADDRESS"),
                TextTable.words("COOKIE"));
        int rows = 0;
        for (RemoteSession session : FoundSessions.find(console.err()).all()) {
            for (SessionView.LinkView link : session.view().links()) {
                if (pids.isEmpty() || pids.contains(link.pid())) {
                    add(table, session.view().graft(), link);
                    rows++;
                }
            }
        }
        if (console.format() == OutputFormat.text && rows > 0) {
            table.lines().forEach(line -> console.out().println(FoundSessions.printable(line.stripTrailing())));
        } else if (console.format() == OutputFormat.text) {
            console.err().println("no session of this user has a link");
        }
    }

    private void add(TextTable table, int graft, SessionView.LinkView link) {
        if (console.format() == OutputFormat.text) {
            table.row(
                    Integer.toString(graft),
                    Integer.toString(link.pid()),
                    link.prog(),
                    link.place(),
                    link.address() == 0 ? "-" : "0x" + Long.toHexString(link.address()),
                    link.cookie() == 0 ? "" : "0x" + Long.toHexString(link.cookie()));
            return;
        }
        JsonWriter json =
                new JsonWriter().beginObject().member("type", "link_info").member("graft", graft);
        json.member("pid", link.pid()).member("prog", link.prog()).member("place", link.place());
        if (link.address() != 0) {
            json.address("address", link.address());
        }
        console.out().println(json.id("cookie", link.cookie()).endObject());
    }
}

package graft.cli.prog;

import graft.cli.map.FoundSessions;
import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import graft.daemon.control.RemoteSession;
import graft.daemon.control.SessionView;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft prog list}. */
@Command(
        name = "list",
        description = "Lists the programs of running sessions.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft prog list",
            "  graft prog list -o jsonl",
            "  sudo graft prog list    also those of other users"
        })
final class ProgListCommand implements Runnable {
    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        List<RemoteSession> sessions = FoundSessions.find(console.err()).all();
        if (console.format() != OutputFormat.text) {
            sessions.forEach(session -> session.view().progs().forEach(prog -> json(session.view(), prog)));
            return;
        }
        if (sessions.isEmpty()) {
            console.err().println("no session of this user runs");
            return;
        }
        TextTable table = TextTable.of(
                TextTable.numbers("GRAFT"),
                TextTable.words("PROG"),
                TextTable.words("TYPE"),
                TextTable.words("SECTION"),
                TextTable.numbers("INSNS"),
                TextTable.numbers("CODE"),
                TextTable.numbers("LINKS"),
                TextTable.words("PIDS"));
        for (RemoteSession session : sessions) {
            for (SessionView.ProgView prog : session.view().progs()) {
                table.row(
                        Integer.toString(session.view().graft()),
                        prog.name(),
                        prog.type(),
                        prog.section(),
                        Quantity.count(prog.insns()),
                        Quantity.bytes(prog.code()),
                        Integer.toString(prog.links()),
                        session.view().pids().stream().map(Object::toString).collect(Collectors.joining(",")));
            }
        }
        table.lines().forEach(line -> console.out().println(FoundSessions.printable(line)));
    }

    private void json(SessionView session, SessionView.ProgView prog) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "prog_info");
        json.member("graft", session.graft()).member("prog", prog.name()).member("prog_type", prog.type());
        json.member("section", prog.section()).member("insns", prog.insns()).member("code_bytes", prog.code());
        json.member("links", prog.links()).name("pids").beginArray();
        session.pids().forEach(json::value);
        console.out().println(json.endArray().endObject());
    }
}

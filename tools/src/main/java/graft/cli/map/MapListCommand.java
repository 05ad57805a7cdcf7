package graft.cli.map;

import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import graft.daemon.control.RemoteSession;
import graft.daemon.control.SessionView;
import graft.ebpf.btf.Btf;
import graft.ebpf.btf.TypeName;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft map list}. */
@Command(
        name = "list",
        description = "Lists the maps of running sessions.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft map list", "  graft map list -o jsonl", "  sudo graft map list     also those of other users"
        })
final class MapListCommand implements Runnable {
    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        List<RemoteSession> sessions = FoundSessions.find(console.err()).all();
        if (console.format() != OutputFormat.text) {
            sessions.forEach(session -> session.view().maps().forEach(map -> json(session.view(), map)));
            return;
        }
        if (sessions.isEmpty()) {
            console.err().println("no session of this user runs");
            return;
        }
        TextTable table = TextTable.of(
                TextTable.numbers("GRAFT"),
                TextTable.words("MAP"),
                TextTable.words("TYPE"),
                TextTable.words("KEY"),
                TextTable.words("VALUE"),
                TextTable.numbers("ENTRIES"),
                TextTable.numbers("MAX"),
                TextTable.numbers("MEMORY"),
                TextTable.words("PIDS"));
        for (RemoteSession session : sessions) {
            Optional<Btf> types = types(session.view());
            session.view().maps().forEach(map -> row(table, session.view(), map, types));
        }
        table.lines().forEach(line -> console.out().println(FoundSessions.printable(line)));
    }

    private static Optional<Btf> types(SessionView session) {
        return session.btf().length == 0 ? Optional.empty() : Optional.of(Btf.parse(session.btf()));
    }

    private static void row(TextTable table, SessionView session, SessionView.MapView map, Optional<Btf> types) {
        table.row(
                Integer.toString(session.graft()),
                map.spec().name(),
                type(map),
                type(types, map.spec().keyType(), map.spec().keySize()),
                type(types, map.spec().valueType(), map.spec().valueSize()),
                map.entries().isPresent() ? Quantity.count(map.entries().getAsLong()) : "-",
                Quantity.count(map.spec().maxEntries()),
                Quantity.bytes(map.bytes()),
                session.pids().stream().map(Object::toString).collect(Collectors.joining(",")));
    }

    private static String type(SessionView.MapView map) {
        return map.spec().type().name().toLowerCase(Locale.ROOT);
    }

    private static String type(Optional<Btf> types, OptionalInt id, int size) {
        return types.isPresent() && id.isPresent() ? TypeName.of(types.get(), id.getAsInt()) : size + " B";
    }

    private void json(SessionView session, SessionView.MapView map) {
        Optional<Btf> types = types(session);
        JsonWriter json = new JsonWriter().beginObject().member("type", "map_info");
        json.member("graft", session.graft()).member("map", map.spec().name()).member("map_type", type(map));
        json.member("key_size", map.spec().keySize())
                .member("value_size", map.spec().valueSize());
        types.ifPresent(btf -> {
            map.spec().keyType().ifPresent(id -> json.member("key_type", TypeName.of(btf, id)));
            map.spec().valueType().ifPresent(id -> json.member("value_type", TypeName.of(btf, id)));
        });
        map.entries().ifPresent(entries -> json.member("entries", entries));
        json.member("max_entries", map.spec().maxEntries())
                .member("flags", map.spec().flags());
        json.member("bytes", map.bytes()).name("pids").beginArray();
        session.pids().forEach(json::value);
        console.out().println(json.endArray().endObject());
    }
}

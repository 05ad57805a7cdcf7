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
import graft.ebpf.object.MapSpec;
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
        description = "Lists the maps of running sessions, and those that are pinned.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft map list", "  graft map list -o jsonl", "  sudo graft map list     also those of other users"
        })
final class MapListCommand implements Runnable {
    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        List<RemoteSession> sessions = FoundSessions.find(console.err()).all();
        List<Pins.Pin> pins = Pins.all();
        if (console.format() != OutputFormat.text) {
            sessions.forEach(session -> session.view().maps().forEach(map -> json(session.view(), map)));
            pins.forEach(this::json);
            return;
        }
        if (sessions.isEmpty() && pins.isEmpty()) {
            console.err().println("no session of this user runs, and no map is pinned");
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
            Optional<Btf> types = types(session.view().btf());
            session.view().maps().forEach(map -> row(table, session.view(), map, types));
        }
        pins.forEach(pin -> row(table, pin));
        table.lines().forEach(line -> console.out().println(FoundSessions.printable(line)));
    }

    private static Optional<Btf> types(byte[] btf) {
        return btf.length == 0 ? Optional.empty() : Optional.of(Btf.parse(btf));
    }

    private static void row(TextTable table, SessionView session, SessionView.MapView map, Optional<Btf> types) {
        table.row(
                Integer.toString(session.graft()),
                map.spec().name(),
                type(map.spec()),
                type(types, map.spec().keyType(), map.spec().keySize()),
                type(types, map.spec().valueType(), map.spec().valueSize()),
                map.entries().isPresent() ? Quantity.count(map.entries().getAsLong()) : "-",
                Quantity.count(map.spec().maxEntries()),
                Quantity.bytes(map.bytes()),
                session.pids().stream().map(Object::toString).collect(Collectors.joining(",")));
    }

    /** Whoever uses it has a row, too. */
    private static void row(TextTable table, Pins.Pin pin) {
        MapSpec spec = pin.definition().spec();
        Optional<Btf> types = types(pin.definition().btf());
        table.row(
                "pin",
                spec.name(),
                type(spec),
                type(types, spec.keyType(), spec.keySize()),
                type(types, spec.valueType(), spec.valueSize()),
                "-",
                Quantity.count(spec.maxEntries()),
                Quantity.bytes(pin.file().toFile().length()),
                pin.file().toString());
    }

    private static String type(MapSpec map) {
        return map.type().name().toLowerCase(Locale.ROOT);
    }

    private static String type(Optional<Btf> types, OptionalInt id, int size) {
        return types.isPresent() && id.isPresent() ? TypeName.of(types.get(), id.getAsInt()) : size + " B";
    }

    private void json(Pins.Pin pin) {
        MapSpec spec = pin.definition().spec();
        JsonWriter json = new JsonWriter().beginObject().member("type", "map_pin");
        json.member("file", pin.file().toString()).member("map", spec.name()).member("map_type", type(spec));
        json.member("key_size", spec.keySize()).member("value_size", spec.valueSize());
        json.member("max_entries", spec.maxEntries()).member("flags", spec.flags());
        console.out().println(json.member("bytes", pin.file().toFile().length()).endObject());
    }

    private void json(SessionView session, SessionView.MapView map) {
        Optional<Btf> types = types(session.btf());
        JsonWriter json = new JsonWriter().beginObject().member("type", "map_info");
        json.member("graft", session.graft()).member("map", map.spec().name()).member("map_type", type(map.spec()));
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

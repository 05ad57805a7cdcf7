package graft.cli.map;

import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.option.TargetOptions;
import graft.cli.process.Interruption;
import graft.daemon.control.RemoteSession;
import graft.ebpf.btf.FormattedValue;
import graft.ebpf.object.MapSpec;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft map watch}: what changes in a map, seen at intervals. */
@Command(
        name = "watch",
        description = "Prints what is in a map, then what changes in it: + a new key, ~ another value, - no value any "
                + "more. It looks at intervals, so what comes and goes between two looks is not seen.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft map watch counts",
            "  graft map watch counts --every 100ms -d 10s",
            "  graft map watch 4711:counts -o jsonl"
        })
final class MapWatchCommand implements Runnable {
    @Parameters(paramLabel = "MAP", description = "a name, or GRAFT:NAME")
    private String name;

    @Option(names = "--every", paramLabel = "TIME", description = "how often it looks; default: 1s")
    private String every = "1s";

    @Option(
            names = {"-d", "--for"},
            paramLabel = "TIME",
            description = "how long; default: until Ctrl-C or the session ends")
    private Optional<String> time = Optional.empty();

    @Mixin
    private OutputOptions console;

    /** What became of a key. */
    private enum Change {
        ADDED("+"),
        CHANGED("~"),
        DELETED("-");

        private final String sign;

        Change(String sign) {
            this.sign = sign;
        }
    }

    @Override
    public void run() {
        long interval = Math.max(1, TargetOptions.parse(every).toMillis());
        Optional<Duration> duration = time.map(TargetOptions::parse);
        long end = duration.map(wanted -> System.nanoTime() + wanted.toNanos()).orElse(Long.MAX_VALUE);
        ChosenMap map = MapChoice.of(name, console.err());
        MapRows rows = map.rows(console.out(), console.format());
        try (Interruption interruption = new Interruption()) {
            Map<ByteBuffer, byte[]> before = new LinkedHashMap<>();
            boolean goesOn = true;
            while (goesOn) {
                Map<ByteBuffer, byte[]> now = contents(map);
                changes(map.spec(), rows, before, now);
                console.out().flush();
                before = now;
                long left = (end - System.nanoTime()) / 1_000_000;
                goesOn = left > 0 && !interruption.await(Math.min(left, interval));
            }
        } catch (RemoteSession.GoneException _) {
            console.err().println("the session has ended");
        }
    }

    private static Map<ByteBuffer, byte[]> contents(ChosenMap map) {
        Map<ByteBuffer, byte[]> contents = new LinkedHashMap<>();
        List<byte[]> keyless = new ArrayList<>();
        map.entries((key, value) -> {
            if (map.hasKeys()) {
                contents.put(ByteBuffer.wrap(key), value);
            } else {
                keyless.add(value);
            }
            return true;
        });
        for (int position = 0; position < keyless.size(); position++) {
            contents.put(ByteBuffer.wrap(Positions.key(position)), keyless.get(position));
        }
        return contents;
    }

    private void changes(MapSpec spec, MapRows rows, Map<ByteBuffer, byte[]> before, Map<ByteBuffer, byte[]> now) {
        before.forEach((key, value) -> {
            if (!now.containsKey(key)) {
                print(spec, rows, Change.DELETED, key, value);
            }
        });
        now.forEach((key, value) -> {
            byte[] old = before.get(key);
            if (old == null) {
                print(spec, rows, Change.ADDED, key, value);
            } else if (!java.util.Arrays.equals(old, value)) {
                print(spec, rows, Change.CHANGED, key, value);
            }
        });
    }

    private void print(MapSpec spec, MapRows rows, Change change, ByteBuffer key, byte[] value) {
        List<FormattedValue> values = rows.shown(spec, MapRows.values(spec, value));
        if (console.format() == OutputFormat.text) {
            console.out().println(change.sign + " " + rows.text(spec, key.array(), values));
        } else {
            console.out()
                    .println(rows.json("map_change", spec, key.array(), values)
                            .member("change", change.name().toLowerCase(java.util.Locale.ROOT))
                            .endObject());
        }
    }
}

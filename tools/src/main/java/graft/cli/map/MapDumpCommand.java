package graft.cli.map;

import graft.cli.option.OutputOptions;
import graft.ebpf.object.MapSpec;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft map dump}. */
@Command(
        name = "dump",
        description = "Prints all that is in a map. Nothing is taken out of it, and nobody waits for it.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft map dump counts", "  graft map dump 4711:counts -o jsonl", "  graft map dump .bss"})
final class MapDumpCommand implements Runnable {
    @Parameters(paramLabel = "MAP", description = "a name, or GRAFT:NAME")
    private String name;

    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        ChosenMap map = MapChoice.of(name, console.err());
        MapRows rows = map.rows(console.out(), console.format());
        MapSpec spec = map.spec();
        AtomicInteger position = new AtomicInteger(); // stands for the key of what has none
        map.entries((key, value) -> {
            rows.print(
                    spec, map.hasKeys() ? key : Positions.key(position.getAndIncrement()), MapRows.values(spec, value));
            return true;
        });
    }
}

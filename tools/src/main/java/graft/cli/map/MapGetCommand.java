package graft.cli.map;

import graft.cli.option.OutputOptions;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft map get}. */
@Command(
        name = "get",
        description =
                "Prints the value of a key: in a trie, of the longest prefix. Of a queue or stack, the value that "
                        + "comes next; of a bloom filter, whether a value may be in it.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft map get counts 3",
            "  graft map get flows '{\"addr\":\"0x7f000001\",\"port\":80}' -o json",
            "  graft map get queue"
        })
final class MapGetCommand implements Runnable {
    @Parameters(index = "0", paramLabel = "MAP", description = "a name, or GRAFT:NAME")
    private String name;

    @Parameters(index = "1", arity = "0..1", paramLabel = "KEY", description = "not for queues and stacks")
    private Optional<String> wanted = Optional.empty();

    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        ChosenMap map = MapChoice.of(name, console.err());
        byte[] key = Words.key(map, wanted, console);
        byte[] value = map.lookup(key);
        map.rows(console.out(), console.format())
                .print(map.spec(), map.hasKeys() ? key : Positions.key(0), MapRows.values(map.spec(), value));
    }
}

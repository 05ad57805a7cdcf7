package graft.cli.map;

import graft.cli.option.OutputOptions;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft map delete}. */
@Command(
        name = "delete",
        description = "Removes a key. Of a queue or stack, takes the next value out and prints it.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft map delete counts 3",
            "  graft map delete 4711:flows '{\"addr\":\"0x7f000001\",\"port\":80}'",
            "  graft map delete queue"
        })
final class MapDeleteCommand implements Runnable {
    @Parameters(index = "0", paramLabel = "MAP", description = "a name, or GRAFT:NAME")
    private String name;

    @Parameters(index = "1", arity = "0..1", paramLabel = "KEY", description = "not for queues and stacks")
    private Optional<String> wanted = Optional.empty();

    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        ChosenMap map = MapChoice.of(name, console.err());
        byte[] key = map.hasKeys() ? Words.key(map, wanted, console) : new byte[0];
        switch (map.spec().type()) {
            case QUEUE, STACK -> {
                if (wanted.isPresent()) {
                    throw console.usageError("map " + map.spec().name() + " has no keys");
                }
                map.rows(console.out(), console.format())
                        .print(map.spec(), Positions.key(0), MapRows.values(map.spec(), map.take()));
            }
            default -> map.delete(key); // a type that does not allow it says so
        }
    }
}

package graft.cli.map;

import graft.cli.option.HelpOptions;
import graft.ebpf.maps.KeyedMap;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft map set}. */
@Command(
        name = "set",
        description =
                "Sets the value of a key; programs see it at once. What has no keys gets one value more. Of a map "
                        + "with values for each CPU, all get the same. A control group is named by its directory.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft map set counts 3 0",
            "  graft map set limits '{\"port\":80}' '{\"rate\":100,\"burst\":5}' --if absent",
            "  graft map set queue 17",
            "  graft map set programs 0 on_other",
            "  graft map set cgroup_map 0 /sys/fs/cgroup/system.slice",
            "  graft map set counts 3 -- -1"
        })
final class MapSetCommand implements Runnable {
    @Parameters(index = "0", paramLabel = "MAP", description = "a name, or GRAFT:NAME")
    private String name;

    @Parameters(index = "1..*", arity = "1..2", paramLabel = "[KEY] VALUE", description = "numbers, words or JSON")
    private List<String> words = List.of();

    @Option(
            names = "--if",
            paramLabel = "STATE",
            description = "only when the key is absent (BPF_NOEXIST) or present (BPF_EXIST)")
    private When when = When.any;

    @Mixin
    private HelpOptions console;

    /** Lower case because they are what users type. */
    enum When {
        any(KeyedMap.ANY),
        absent(KeyedMap.NOEXIST),
        present(KeyedMap.EXIST);

        private final long flags;

        When(long flags) {
            this.flags = flags;
        }
    }

    @Override
    public void run() {
        ChosenMap map = MapChoice.of(name, console.err());
        int wanted = map.hasKeys() ? 2 : 1;
        if (words.size() != wanted) {
            throw console.usageError("map %s takes %s"
                    .formatted(map.spec().name(), map.hasKeys() ? "a key and a value" : "a value, for it has no keys"));
        }
        byte[] key = map.hasKeys() ? map.key(words.getFirst()) : new byte[0];
        map.update(key, map.value(words.getLast()), when.flags);
    }
}

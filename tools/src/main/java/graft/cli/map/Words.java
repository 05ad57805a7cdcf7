package graft.cli.map;

import graft.cli.option.HelpOptions;
import graft.ebpf.object.MapType;
import java.util.Optional;

/** How many words a map's commands take depends on whether it has keys. */
final class Words {
    private Words() {}

    /** What is asked for: a key, of a filter a value, of a queue nothing. */
    static byte[] key(ChosenMap map, Optional<String> word, HelpOptions console) {
        boolean isFilter = map.spec().type() == MapType.BLOOM_FILTER;
        boolean takesOne = map.hasKeys() || isFilter;
        if (takesOne != word.isPresent()) {
            throw console.usageError(
                    takesOne
                            ? "map %s has %s: which one?".formatted(map.spec().name(), isFilter ? "values" : "keys")
                            : "map %s has no keys".formatted(map.spec().name()));
        }
        return word.map(text -> isFilter ? map.value(text) : map.key(text)).orElseGet(() -> new byte[0]);
    }
}

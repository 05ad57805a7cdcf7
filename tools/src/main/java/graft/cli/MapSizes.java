package graft.cli;

import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code --max-entries} says: other sizes of maps than the object has, as libbpf's {@code bpf_map__set_max_entries}. */
final class MapSizes {
    private static final String OPTION = "--max-entries ";

    private MapSizes() {}

    /** {@code object} with maps of {@code sizes}, by name. */
    static CollectionSpec applied(Map<String, String> sizes, CollectionSpec object) {
        Map<String, MapSpec> maps = new LinkedHashMap<>(object.maps());
        sizes.forEach((name, size) -> maps.computeIfPresent(name, (_, map) -> sized(map, size)));
        for (String name : sizes.keySet()) {
            if (!maps.containsKey(name)) {
                throw Problem.of("U001", "graft run: " + OPTION + name + ": the object has no such map")
                        .because("it has: " + String.join(", ", maps.keySet()))
                        .remedy("one of these names")
                        .failure();
            }
        }
        return object.with(maps, object.programs());
    }

    private static MapSpec sized(MapSpec map, String size) {
        if (map.name().startsWith(".")) {
            throw refused(map, "it holds the variables of a section, which has its size", "a map of the object's own");
        }
        int entries = number(map, size);
        boolean filled = !map.slots().isEmpty() || map.content().bytes().length > 0;
        if (filled && Integer.compareUnsigned(entries, map.maxEntries()) < 0) {
            throw refused(
                    map,
                    "the object fills it, for max_entries " + map.maxEntries(),
                    OPTION + map.name() + "=" + map.maxEntries() + ", or more");
        }
        return map.sized(map.keySize(), map.valueSize(), entries);
    }

    private static int number(MapSpec map, String size) {
        try {
            return Integer.parseUnsignedInt(size);
        } catch (NumberFormatException _) {
            throw refused(map, size + " is not a number below 2^32", OPTION + map.name() + "=100000");
        }
    }

    private static CommandFailure refused(MapSpec map, String why, String remedy) {
        return Problem.of("U001", "graft run: " + OPTION + map.name() + " is not possible")
                .because(why)
                .remedy(remedy)
                .failure();
    }
}

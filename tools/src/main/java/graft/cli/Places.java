package graft.cli;

import graft.cli.error.Problem;
import graft.daemon.Placement.Place;
import graft.ebpf.object.CollectionSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code --where} says: for all programs, or for one of them. */
final class Places {
    private Places() {}

    /** The programs of {@code object} that are wanted at a certain place; a later word overrides an earlier one. */
    static Map<String, Place> of(List<String> words, CollectionSpec object) {
        Map<String, Place> places = new LinkedHashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals >= 0) {
                String program = word.substring(0, equals);
                if (!object.programs().containsKey(program)) {
                    throw Problem.of("L007", "no program " + program)
                            .because("the object has: "
                                    + String.join(", ", object.programs().keySet()))
                            .failure();
                }
                places.put(program, place(word.substring(equals + 1)));
            } else if (word.equals("auto")) {
                places.clear();
            } else {
                Place place = place(word);
                object.programs().keySet().forEach(program -> places.put(program, place));
            }
        }
        return places;
    }

    private static Place place(String word) {
        return switch (word) {
            case "user" -> Place.PROCESSES;
            case "kernel" -> Place.KERNEL;
            default ->
                throw Problem.of("U001", "graft run: --where " + word + " is no place")
                        .because("a place is user or kernel")
                        .remedy("--where kernel, or --where PROGRAM=kernel")
                        .failure();
        };
    }
}

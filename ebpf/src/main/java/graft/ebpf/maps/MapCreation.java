package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.SysException;
import java.util.List;
import java.util.Optional;

/** What became of a map's blueprint. */
public sealed interface MapCreation {
    /** It exists; the receiver owns the map. */
    record Created(BpfMap map) implements MapCreation {}

    /**
     * It cannot exist here.
     *
     * @param why the reason, in words that follow the map's name
     * @param suggestion what to try
     */
    record Refused(MapSpec spec, String why, String suggestion) implements MapCreation {
        @Override
        public String toString() {
            return "map " + spec.name() + ": " + why + "\n  try: " + suggestion;
        }
    }

    /**
     * Creates the map in shared memory, filled with the blueprint's content. Refused too when the system has no memory
     * or descriptors left.
     */
    static MapCreation create(MapSpec spec) {
        return create(spec, List.of());
    }

    /** The same for a map of maps into which {@code first} will be put, so that there is room for the largest of them. */
    static MapCreation create(MapSpec spec, List<MapSpec> first) {
        Optional<Refused> refused = MapRules.refusal(spec)
                .or(() -> first.stream()
                        .flatMap(map -> MapRules.refusal(map).stream())
                        .findFirst());
        if (refused.isPresent()) {
            return refused.get();
        }
        try {
            return new Created(
                    spec.type().holdsMaps() ? MapOfMaps.create(spec, first) : MapMaker.make(spec, MapMemory.OWN));
        } catch (SysException failed) {
            return new Refused(spec, failed.getMessage(), "a smaller map, or more memory");
        }
    }
}

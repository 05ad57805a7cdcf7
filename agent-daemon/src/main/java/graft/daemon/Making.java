package graft.daemon;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.maps.PinnedMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What became of an object's maps. */
sealed interface Making {
    /** All of them, and those of them that are ours. */
    record Made(Map<String, BpfMap> maps, List<BpfMap> created) implements Making {}

    /** None is left. */
    record Refused(SessionRefusal refusal) implements Making {}

    /** Closes what was created. */
    default void close() {
        if (this instanceof Made(var _, var created)) {
            created.forEach(BpfMap::close);
        }
    }

    /**
     * Creates the maps of an object, but for those that are {@code given}. What is in a map of maps is created by that one, which
     * therefore comes first.
     */
    static Making of(CollectionSpec spec, Map<String, BpfMap> given) {
        Map<String, BpfMap> created = new LinkedHashMap<>();
        for (MapSpec map : spec.maps().values()) {
            if (map.type().holdsMaps() && !given.containsKey(map.name())) {
                Optional<Refused> refused = holder(spec, map, created).or(() -> filled(spec, map, given, created));
                if (refused.isPresent()) {
                    created.values().forEach(BpfMap::close);
                    return refused.get();
                }
            }
        }
        for (MapSpec map : spec.maps().values()) {
            if (!given.containsKey(map.name()) && !created.containsKey(map.name())) {
                Optional<Refused> refused = taken(map.name(), create(spec, map), created);
                if (refused.isPresent()) {
                    created.values().forEach(BpfMap::close);
                    return refused.get();
                }
            }
        }
        Map<String, BpfMap> maps = new LinkedHashMap<>(given);
        spec.maps().keySet().forEach(name -> maps.computeIfAbsent(name, created::get));
        TailPrograms.fill(spec, maps);
        return new Made(maps, List.copyOf(created.values()));
    }

    /** A map that is pinned is found again. */
    private static MapCreation create(CollectionSpec spec, MapSpec map) {
        if (!spec.pinned().contains(map.name())) {
            return MapCreation.create(map);
        }
        if (map.lock().isPresent()) {
            return new MapCreation.Refused(map, "it is pinned, and its values have a lock", "without pinning");
        }
        if (map.timer().isPresent()) {
            return new MapCreation.Refused(map, "it is pinned, and its values have a timer", "without pinning");
        }
        byte[] btf = spec.btf().map(CollectionSpec.BtfBytes::bytes).orElseGet(() -> new byte[0]);
        try {
            return PinnedMap.open(PinFolder.file(map.name()), map, btf);
        } catch (IOException failed) {
            return new MapCreation.Refused(map, "it cannot be pinned: " + failed.getMessage(), "without pinning");
        }
    }

    private static Optional<Refused> taken(String name, MapCreation creation, Map<String, BpfMap> created) {
        return switch (creation) {
            case MapCreation.Created(var live) -> {
                created.put(name, live);
                yield Optional.empty();
            }
            case MapCreation.Refused(var _, var why, var suggestion) -> refused(name, why, suggestion);
        };
    }

    private static Optional<Refused> refused(String map, String why, String suggestion) {
        return Optional.of(new Refused(new SessionRefusal.MapRefused(map, why, suggestion)));
    }

    private static Optional<Refused> holder(CollectionSpec spec, MapSpec map, Map<String, BpfMap> created) {
        List<MapSpec> first = map.slots().stream()
                .map(slot -> spec.maps().get(slot.name()))
                .filter(Objects::nonNull)
                .toList();
        return taken(map.name(), MapCreation.create(map, first), created);
    }

    private static Optional<Refused> filled(
            CollectionSpec spec, MapSpec map, Map<String, BpfMap> given, Map<String, BpfMap> created) {
        MapOfMaps holder = (MapOfMaps) created.get(map.name());
        for (MapSpec.Slot slot : map.slots()) {
            MapSpec inner = spec.maps().get(slot.name());
            if (inner == null || given.containsKey(slot.name())) {
                String why =
                        inner == null ? "%s, which it is to hold, is no map" : "%s, which it is to hold, is shared";
                return refused(map.name(), why.formatted(slot.name()), "maps of this object that nobody else has");
            }
            if (!created.containsKey(slot.name())) {
                Optional<Refused> refused = taken(slot.name(), holder.create(inner), created);
                if (refused.isPresent()) {
                    return refused;
                }
            }
            if (holder.numberOf(created.get(slot.name())) == 0) {
                return refused(slot.name(), "it is to be in two maps of maps", "--where kernel, or a map for each");
            }
            int result =
                    map.keySize() == Integer.BYTES ? holder.put(index(slot.index()), created.get(slot.name()), 0) : -1;
            if (result != 0) {
                return refused(
                        map.name(),
                        "%s does not go in at %d".formatted(slot.name(), slot.index()),
                        "keys of 4 bytes, and max_entries %d".formatted(slot.index() + 1));
            }
        }
        return Optional.empty();
    }

    private static byte[] index(int index) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(index)
                .array();
    }
}

package graft.ebpf.object;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Everything one object file defines, by name, in file order.
 *
 * @param origin where it came from, for messages
 * @param btf the object's raw {@code .BTF} section, if it has one
 * @param pinned the maps that are to outlive their session: {@code LIBBPF_PIN_BY_NAME}
 */
public record CollectionSpec(
        String origin,
        Map<String, MapSpec> maps,
        Map<String, ProgSpec> programs,
        Optional<BtfBytes> btf,
        Set<String> pinned) {
    public CollectionSpec {
        pinned = Set.copyOf(pinned);
    }

    /** Nothing is pinned. */
    public CollectionSpec(
            String origin, Map<String, MapSpec> maps, Map<String, ProgSpec> programs, Optional<BtfBytes> btf) {
        this(origin, maps, programs, btf, Set.of());
    }

    /** The same with other programs. */
    public CollectionSpec with(Map<String, ProgSpec> others) {
        return new CollectionSpec(origin, maps, Collections.unmodifiableMap(new LinkedHashMap<>(others)), btf, pinned);
    }

    /** The same with other maps and programs. */
    public CollectionSpec with(Map<String, MapSpec> otherMaps, Map<String, ProgSpec> others) {
        return new CollectionSpec(origin, otherMaps, others, btf, pinned);
    }

    /** Raw BTF, compared by identity of its content. */
    public record BtfBytes(byte[] bytes) {}
}

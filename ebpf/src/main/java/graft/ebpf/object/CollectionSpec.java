package graft.ebpf.object;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Everything one object file defines, by name, in file order.
 *
 * @param origin where it came from, for messages
 * @param btf the object's raw {@code .BTF} section, if it has one
 */
public record CollectionSpec(
        String origin, Map<String, MapSpec> maps, Map<String, ProgSpec> programs, Optional<BtfBytes> btf) {

    /** The same with other programs. */
    public CollectionSpec with(Map<String, ProgSpec> others) {
        return new CollectionSpec(origin, maps, Collections.unmodifiableMap(new LinkedHashMap<>(others)), btf);
    }

    /** Raw BTF, compared by identity of its content. */
    public record BtfBytes(byte[] bytes) {}
}

package graft.ebpf.verifier;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.Optional;

/** What a map's blueprint means for programs. */
final class Maps {
    private Maps() {}

    static boolean isReadOnly(MapSpec map) {
        return map.access() == MapSpec.Access.READ_ONLY || (map.flags() & MapSpec.READ_ONLY_FOR_PROGRAMS) != 0;
    }

    /** Whether a program can have the address of a value in an instruction. */
    static boolean hasDirectValue(MapSpec map) {
        return map.type() == MapType.ARRAY && map.maxEntries() == 1;
    }

    /** The constant at a place that never changes: initial content of a read-only global-data map. */
    static Optional<Scalar> constantAt(MapSpec map, Scalar offset, int bytes) {
        byte[] content = map.content().bytes();
        boolean fixed = map.access() == MapSpec.Access.READ_ONLY && hasDirectValue(map) && offset.isConstant();
        if (!fixed || offset.constant() + bytes > content.length) {
            return Optional.empty();
        }
        long value = 0;
        for (int index = bytes - 1; index >= 0; index--) {
            value = value << 8 | content[(int) offset.constant() + index] & 0xff;
        }
        return Optional.of(Scalar.constant(value));
    }
}

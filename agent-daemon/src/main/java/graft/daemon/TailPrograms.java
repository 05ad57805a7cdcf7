package graft.daemon;

import graft.daemon.image.CheckedProgram;
import graft.ebpf.helper.Helper;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.verifier.ContextLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The programs that an object's arrays of programs hold. In the maps they have numbers, from 1 in this order, and 0 is no
 * program; each pool has a table of their addresses there.
 */
public final class TailPrograms {
    private TailPrograms() {}

    /** Their names, each once. */
    public static List<String> of(CollectionSpec spec) {
        return spec.maps().values().stream()
                .filter(map -> map.type() == MapType.PROG_ARRAY)
                .flatMap(map -> map.slots().stream())
                .map(MapSpec.Slot::name)
                .filter(spec.programs()::containsKey)
                .distinct()
                .toList();
    }

    /**
     * Programs that call each other get the same context, so it has to mean the same to all of them.
     *
     * @return two that do not fit
     */
    static Optional<String> mixed(CollectionSpec spec, Collection<CheckedProgram> programs) {
        List<String> reached = of(spec);
        List<CheckedProgram> together = programs.stream()
                .filter(program -> reached.contains(program.spec().name())
                        || program.facts().helpers().contains(Helper.TAIL_CALL))
                .toList();
        return together.stream()
                .filter(program -> !context(program).equals(context(together.getFirst())))
                .findFirst()
                .map(other -> "%s and %s have different contexts"
                        .formatted(
                                together.getFirst().spec().name(), other.spec().name()));
    }

    private static Optional<ContextLayout> context(CheckedProgram program) {
        return ContextLayout.of(program.spec().type());
    }

    /** Puts the numbers into the maps. */
    static void fill(CollectionSpec spec, Map<String, BpfMap> maps) {
        List<String> names = of(spec);
        for (MapSpec map : spec.maps().values()) {
            if (map.type() == MapType.PROG_ARRAY && maps.get(map.name()) instanceof KeyedMap numbers) {
                map.slots()
                        .forEach(slot -> numbers.update(bytes(slot.index()), bytes(names.indexOf(slot.name()) + 1), 0));
            }
        }
    }

    private static byte[] bytes(int number) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array();
    }
}

package graft.daemon;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Wide;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * One request, divided by where its programs run. A map that both parts use is one array in memory that the kernel and
 * the processes share; constants are not shared, for both have the same.
 *
 * @param inProcesses programs, links and maps of the part in the processes
 * @param inKernel the part in the kernel; without programs when everything runs in the processes
 * @param shared names of the maps that both parts use
 */
public record Placement(SessionRequest inProcesses, SessionRequest inKernel, Set<String> shared) {
    public Placement {
        shared = Set.copyOf(shared);
    }

    /** Where a program runs. */
    public enum Place {
        PROCESSES,
        KERNEL
    }

    /** The outcome of dividing. */
    public sealed interface Division {
        /** Divided. */
        record Placed(Placement placement) implements Division {}

        /** Not possible as asked, and why. */
        record Refused(SessionRefusal refusal) implements Division {}
    }

    /**
     * Divides {@code request}: what only the kernel can run goes there, everything else to the processes.
     *
     * @param wanted programs that are to run elsewhere than that
     */
    public static Division of(SessionRequest request, Map<String, Place> wanted) {
        CollectionSpec object = request.object();
        Set<String> kernel = new LinkedHashSet<>();
        for (ProgSpec program : object.programs().values()) {
            boolean foreign = program.type() == ProgType.KERNEL_TRACEPOINT;
            Place place = wanted.getOrDefault(program.name(), foreign ? Place.KERNEL : Place.PROCESSES);
            if (foreign && place == Place.PROCESSES) {
                return new Division.Refused(new SessionRefusal.WrongPlace(program.name(), program.section()));
            }
            if (place == Place.KERNEL && overrides(program)) {
                return new Division.Refused(new SessionRefusal.NotInKernel(program.name()));
            }
            if (place == Place.KERNEL) {
                kernel.add(program.name());
            }
        }
        Set<String> kernelMaps = maps(object, kernel::contains);
        Set<String> processMaps = maps(object, name -> !kernel.contains(name));
        Set<String> shared = new LinkedHashSet<>();
        for (String name : kernelMaps) {
            MapSpec map = object.maps().get(name);
            if (processMaps.contains(name) && map.access() == MapSpec.Access.READ_WRITE) {
                if (map.type() != MapType.ARRAY) {
                    return new Division.Refused(new SessionRefusal.MapNotShared(name, map.type()));
                }
                if (!map.fields().isEmpty()) {
                    return new Division.Refused(new SessionRefusal.MapRefused(
                            name,
                            "programs in the kernel and in processes share it, and its values have a "
                                    + map.fields().getFirst().text(),
                            "a map for each side"));
                }
                shared.add(name);
            }
        }
        return new Division.Placed(new Placement(
                part(
                        request,
                        name -> !kernel.contains(name),
                        name -> processMaps.contains(name) || !kernelMaps.contains(name)),
                part(request, kernel::contains, kernelMaps::contains),
                shared));
    }

    private static boolean overrides(ProgSpec program) {
        return program.insns().insns().contains(new Insn.CallHelper(Helper.OVERRIDE_RETURN.number()));
    }

    private static Set<String> maps(CollectionSpec object, Predicate<String> programs) {
        Set<String> maps = new LinkedHashSet<>();
        object.programs().values().stream()
                .filter(program -> programs.test(program.name()))
                .flatMap(program -> program.insns().insns().stream())
                .forEach(insn -> map(insn).ifPresent(maps::add));
        object.maps().values().stream()
                .filter(map -> map.type().holdsMaps() && maps.contains(map.name()))
                .flatMap(map -> map.slots().stream())
                .map(MapSpec.Slot::name)
                .toList()
                .forEach(maps::add);
        return maps;
    }

    private static Optional<String> map(Insn insn) {
        return insn instanceof Insn.LoadWide(var _, var value)
                ? switch (value) {
                    case Wide.MapPointer(var map) -> Optional.of(map);
                    case Wide.MapValue(var map, var _) -> Optional.of(map);
                    case Wide.Constant _, Wide.Function _, Wide.KernelSymbol _ -> Optional.empty();
                }
                : Optional.empty();
    }

    private static SessionRequest part(SessionRequest whole, Predicate<String> programs, Predicate<String> maps) {
        CollectionSpec object = whole.object();
        CollectionSpec part = object.with(only(object.maps(), maps), only(object.programs(), programs));
        List<LinkRequest> links = whole.links().stream()
                .filter(link -> programs.test(link.program()))
                .toList();
        return whole.with(part, links);
    }

    private static <T> Map<String, T> only(Map<String, T> all, Predicate<String> names) {
        Map<String, T> some = new LinkedHashMap<>();
        all.forEach((name, value) -> {
            if (names.test(name)) {
                some.put(name, value);
            }
        });
        return some;
    }

    /** Whether anything runs in the kernel. */
    public boolean needsKernel() {
        return !inKernel.object().programs().isEmpty();
    }

    /** Whether anything runs in the processes. */
    public boolean needsProcesses() {
        return !inProcesses.links().isEmpty();
    }
}

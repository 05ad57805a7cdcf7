package graft.uprobe;

import graft.ebpf.btf.BtfFormatException;
import graft.platform.address.ElfVirtualAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Finds the places where a source line begins: one in each function that has code of the line, the first by address, as
 * debuggers choose. A line of an inlined function has several.
 */
final class SourceLineResolver {
    private final TargetModules modules;
    private final TargetModule module;

    SourceLineResolver(TargetModules modules, TargetModule module) {
        this.modules = modules;
        this.module = module;
    }

    Resolution resolve(Probe probe) {
        int colon = probe.symbol().lastIndexOf(':');
        String source = probe.symbol().substring(0, colon);
        int line = Integer.parseInt(probe.symbol().substring(colon + 1));
        Optional<TreeMap<Integer, List<ElfVirtualAddress>>> lines;
        try {
            lines = module.lines(modules.debugFiles()).map(all -> all.linesOf(source));
        } catch (BtfFormatException damaged) {
            return new Resolution.NoLines(probe, module.path(), damaged.getMessage());
        }
        if (lines.isEmpty()) {
            return new Resolution.NoLines(probe, module.path(), "it has no debug information of lines");
        }
        List<AttachPoint> points = points(lines.get().getOrDefault(line, List.of()));
        return points.isEmpty()
                ? new Resolution.NoCodeAtLine(probe, module.path(), near(lines.get(), line))
                : new Resolution.Found(points);
    }

    private List<AttachPoint> points(List<ElfVirtualAddress> addresses) {
        Map<ElfVirtualAddress, AttachPoint> byFunction = new LinkedHashMap<>();
        for (ElfVirtualAddress place : addresses) {
            TargetModule.FunctionPlace function = module.functionAround(place, modules.debugFiles());
            module.point(Probe.Kind.LINE, function, place)
                    .ifPresent(point -> byFunction.putIfAbsent(function.start(), point));
        }
        List<AttachPoint> points = new ArrayList<>(byFunction.values());
        points.sort(Comparator.comparing(AttachPoint::address));
        return points;
    }

    private static List<Integer> near(TreeMap<Integer, List<ElfVirtualAddress>> lines, int line) {
        return Stream.of(lines.lowerKey(line), lines.higherKey(line))
                .flatMap(Stream::ofNullable)
                .toList();
    }
}

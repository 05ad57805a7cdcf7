package graft.uprobe;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.elf.ElfFormatException;
import graft.uprobe.usdt.StaticProbe;
import graft.uprobe.usdt.StaticProbes;
import graft.uprobe.usdt.UsdtArgument;
import graft.uprobe.usdt.UsdtSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Finds the places of static probes in one module. */
final class StaticProbeResolver {
    private final TargetModules modules;
    private final TargetModule module;

    StaticProbeResolver(TargetModules modules, TargetModule module) {
        this.modules = modules;
        this.module = module;
    }

    Resolution resolve(Probe probe) {
        List<StaticProbe> all = all();
        int colon = probe.symbol().indexOf(':');
        Predicate<String> provider = matcher(probe.symbol().substring(0, colon));
        Predicate<String> name = matcher(probe.symbol().substring(colon + 1));
        List<AttachPoint> points = new ArrayList<>();
        for (StaticProbe candidate : all) {
            if (provider.test(candidate.provider()) && name.test(candidate.name())) {
                point(candidate).ifPresent(points::add);
            }
        }
        points.sort(Comparator.comparing(AttachPoint::address));
        return points.isEmpty() ? notFound(probe, all) : new Resolution.Found(points);
    }

    private List<StaticProbe> all() {
        try {
            return StaticProbes.of(module.elf());
        } catch (ElfFormatException _) {
            return List.of(); // damaged notes are as good as none
        }
    }

    private static Predicate<String> matcher(String text) {
        return SymbolPattern.of(text).<Predicate<String>>map(pattern -> pattern).orElse(text::equals);
    }

    private Optional<AttachPoint> point(StaticProbe marker) {
        ElfVirtualAddress place = marker.location();
        TargetModule.FunctionPlace function = module.functionAround(place, modules.debugFiles());
        return module.point(Probe.Kind.STATIC, function, place).map(point -> point.marked(marker));
    }

    private Resolution notFound(Probe probe, List<StaticProbe> all) {
        List<String> near = EditDistance.nearest(all.stream().map(StaticProbe::qualifiedName), probe.symbol());
        return new Resolution.NoSuchMarker(probe, module.path(), near, all.size());
    }

    /** What a program must know of the place of a static probe. */
    UsdtSpec spec(StaticProbe marker, long cookie) {
        UsdtArgument.Symbols symbols = name -> module.symbol(name, modules.debugFiles())
                .map(symbol -> symbol.value() - marker.location().value());
        return UsdtSpec.of(marker, symbols, cookie);
    }
}

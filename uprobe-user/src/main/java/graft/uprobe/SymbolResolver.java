package graft.uprobe;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.elf.ElfSymbol;
import graft.uprobe.usdt.UsdtSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the places that a probe names. Patterns leave indirect functions out: their symbol is that of a resolver. By its
 * name such a function is the implementation that runs in this process.
 */
public final class SymbolResolver {
    private final TargetModules modules;

    public SymbolResolver(TargetModules modules) {
        this.modules = modules;
    }

    /** Resolves {@code probe} in the process of the modules. */
    public Resolution resolve(Probe probe) {
        Optional<TargetModule> module = modules.named(probe.module());
        if (module.isEmpty()) {
            return new Resolution.NoSuchModule(probe, modules.paths());
        }
        if (probe.kind() == Probe.Kind.STATIC) {
            return new StaticProbeResolver(modules, module.get()).resolve(probe);
        }
        if (probe.kind() == Probe.Kind.LINE) {
            return new SourceLineResolver(modules, module.get()).resolve(probe);
        }
        Optional<ElfVirtualAddress> at = probe.fileAddress();
        if (at.isPresent()) {
            return place(module.get(), at.get(), probe);
        }
        List<ElfSymbol> symbols = distinct(candidates(module.get(), probe));
        if (symbols.isEmpty()) {
            symbols = new IndirectFunctions(modules, module.get()).implementations(probe.symbol());
        }
        if (symbols.isEmpty()) {
            return notFound(module.get(), probe);
        }
        return points(module.get(), symbols, probe);
    }

    /**
     * What a program must know of the place of a static probe.
     *
     * @param point of kind {@link Probe.Kind#STATIC}
     * @param cookie the user's own cookie
     */
    public UsdtSpec spec(AttachPoint point, long cookie) {
        TargetModule module = modules.holding(point.address()).orElseThrow();
        return new StaticProbeResolver(modules, module).spec(point.marker().orElseThrow(), cookie);
    }

    /** Where a function begins, or an instruction in it. */
    private Resolution place(TargetModule module, ElfVirtualAddress at, Probe probe) {
        ElfVirtualAddress place = new ElfVirtualAddress(at.value() + probe.offset());
        TargetModule.FunctionPlace function = module.functionAround(place, modules.debugFiles());
        boolean inside = !place.equals(function.start());
        if (inside && probe.kind() == Probe.Kind.RETURN) {
            return new Resolution.NoCode(probe, module.path());
        }
        return module.point(inside ? Probe.Kind.OFFSET : probe.kind(), function, place)
                .<Resolution>map(point -> new Resolution.Found(List.of(point)))
                .orElseGet(() -> new Resolution.NoCode(probe, module.path()));
    }

    private List<ElfSymbol> candidates(TargetModule module, Probe probe) {
        Optional<SymbolPattern> pattern = SymbolPattern.of(probe.symbol());
        if (pattern.isEmpty()) {
            return module.functionsNamed(probe.symbol(), modules.debugFiles());
        }
        return module.functions(modules.debugFiles()).stream()
                .filter(symbol -> pattern.get().test(symbol.name()))
                .toList();
    }

    /** One symbol per address: aliases would probe one place twice. */
    private static List<ElfSymbol> distinct(List<ElfSymbol> symbols) {
        Map<Long, ElfSymbol> byAddress = new LinkedHashMap<>();
        for (ElfSymbol symbol : symbols) {
            if (symbol.type() == ElfSymbol.Type.FUNCTION) {
                byAddress.putIfAbsent(symbol.value().value(), symbol);
            }
        }
        return List.copyOf(byAddress.values());
    }

    private static Resolution points(TargetModule module, List<ElfSymbol> symbols, Probe probe) {
        List<AttachPoint> points = new ArrayList<>();
        for (ElfSymbol symbol : symbols) {
            if (probe.offset() != 0 && symbol.size() != 0 && probe.offset() >= symbol.size()) {
                return new Resolution.OutsideFunction(probe, module.path(), symbol.size());
            }
            module.point(
                            probe.kind(),
                            TargetModule.FunctionPlace.of(symbol),
                            new ElfVirtualAddress(symbol.value().value() + probe.offset()))
                    .ifPresent(points::add);
        }
        points.sort(Comparator.comparing(AttachPoint::address));
        return new Resolution.Found(points);
    }

    private Resolution notFound(TargetModule module, Probe probe) {
        List<String> near = EditDistance.nearest(
                module.functions(modules.debugFiles()).stream().map(ElfSymbol::name), probe.symbol());
        Resolution.Symbols kept =
                module.isStripped(modules.debugFiles()) ? Resolution.Symbols.STRIPPED : Resolution.Symbols.FULL;
        return new Resolution.NoSuchSymbol(probe, module.path(), near, kept);
    }
}

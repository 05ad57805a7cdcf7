package graft.uprobe;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;
import graft.platform.address.RemoteAddress;
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
    private static final int NEAR_NAMES = 4;

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
        RemoteAddress address = module.remote(at).plus(probe.offset());
        Optional<FileOffset> offset = module.fileOffset(address);
        if (offset.isEmpty() || !module.holds(address)) {
            return new Resolution.NoCode(probe, module.path());
        }
        TargetModule.FunctionPlace function = module.functionAround(module.virtual(address), modules.debugFiles());
        RemoteAddress entry = module.remote(function.start());
        boolean inside = !address.equals(entry);
        if (inside && probe.kind() == Probe.Kind.RETURN) {
            return new Resolution.NoCode(probe, module.path());
        }
        Probe.Kind kind = inside ? Probe.Kind.OFFSET : probe.kind();
        return new Resolution.Found(List.of(new AttachPoint(
                kind,
                module.path(),
                function.name(),
                entry,
                function.size(),
                address,
                offset.get(),
                Optional.empty())));
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
            RemoteAddress entry = module.remote(symbol.value());
            RemoteAddress address = entry.plus(probe.offset());
            Optional<FileOffset> offset = module.fileOffset(address);
            if (offset.isPresent() && module.holds(address)) {
                points.add(new AttachPoint(
                        probe.kind(),
                        module.path(),
                        symbol.name(),
                        entry,
                        symbol.size(),
                        address,
                        offset.get(),
                        Optional.empty()));
            }
        }
        points.sort(Comparator.comparing(AttachPoint::address));
        return new Resolution.Found(points);
    }

    private Resolution notFound(TargetModule module, Probe probe) {
        List<String> near = module.functions(modules.debugFiles()).stream()
                .map(ElfSymbol::name)
                .distinct()
                .filter(name -> EditDistance.resemble(name, probe.symbol()))
                .sorted(Comparator.comparingInt((String name) -> EditDistance.between(name, probe.symbol()))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(NEAR_NAMES)
                .toList();
        Resolution.Symbols kept =
                module.isStripped(modules.debugFiles()) ? Resolution.Symbols.STRIPPED : Resolution.Symbols.FULL;
        return new Resolution.NoSuchSymbol(probe, module.path(), near, kept);
    }
}

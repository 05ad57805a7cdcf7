package graft.daemon.image;

import graft.daemon.LinkRequest;
import graft.daemon.PlacedLink;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.daemon.UsdtSpecs;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfSymbol;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.SyscallPlace;
import graft.syscalls.SyscallSite;
import graft.syscalls.SyscallTable;
import graft.uprobe.AttachPoint;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Resolves the links of a session in one target and gathers them by function. */
final class ProbeCollector {
    private final TargetModules modules;
    private final Map<String, CheckedProgram> programs;
    private final SymbolResolver resolver;
    private final Map<RemoteAddress, FunctionProbes> functions = new TreeMap<>();
    private final List<PlacedLink> placed = new ArrayList<>();
    private final Set<RemoteAddress> semaphores = new TreeSet<>();
    private final Map<TargetModule, List<SyscallSite>> syscallSites = new LinkedHashMap<>();
    private final graft.daemon.Collection collection;
    private final SyscallScope scope;

    ProbeCollector(TargetModules modules, graft.daemon.Collection collection, SyscallScope scope) {
        this.modules = modules;
        this.scope = scope;
        this.collection = collection;
        this.programs = collection.programs();
        this.resolver = new SymbolResolver(modules);
    }

    /** Adds a link; a refusal when its place does not exist. */
    Optional<SessionRefusal> add(LinkRequest link) {
        CheckedProgram program = programs.get(link.program());
        if (program == null) {
            return Optional.of(new SessionRefusal.NoSuchProgram(link.program(), List.copyOf(programs.keySet())));
        }
        return switch (link) {
            case LinkRequest.Uprobe uprobe -> addUprobe(uprobe, program);
            case LinkRequest.Syscall syscall -> addSyscall(syscall, program);
        };
    }

    private Optional<SessionRefusal> addUprobe(LinkRequest.Uprobe link, CheckedProgram program) {
        Resolution resolution = resolver.resolve(link.probe());
        if (!(resolution instanceof Resolution.Found(var found))) {
            return Optional.of(new SessionRefusal.ProbeNotFound(modules.pid(), resolution));
        }
        for (AttachPoint point : found) {
            Optional<Long> cookie = cookie(point, link);
            if (cookie.isEmpty()) {
                return collection.usdtSpecs().map(UsdtSpecs::full);
            }
            TargetModule module = modules.holding(point.address()).orElseThrow();
            function(module, point).add(point, program, new FunctionProbes.Link(link, cookie.get()));
            placed.add(PlacedLink.at(modules.pid(), point, link, cookie.get()));
            semaphore(point).ifPresent(semaphores::add);
        }
        return Optional.empty();
    }

    /** Programs at static probes find their arguments by the cookie; nothing when there is no room for them. */
    private Optional<Long> cookie(AttachPoint point, LinkRequest.Uprobe link) {
        Optional<UsdtSpecs> specs = point.marker().flatMap(_ -> collection.usdtSpecs());
        if (specs.isEmpty()) {
            return Optional.of(link.cookie());
        }
        OptionalInt number = specs.get().number(resolver.spec(point, link.cookie()));
        return number.isPresent() ? Optional.of((long) number.getAsInt()) : Optional.empty();
    }

    private static Optional<RemoteAddress> semaphore(AttachPoint point) {
        return point.marker()
                .flatMap(marker -> marker.semaphore()
                        .map(counter -> point.address()
                                .plus(counter.value() - marker.location().value())));
    }

    /** The counters of those who look at the static probes, ascending, each once. */
    List<RemoteAddress> semaphores() {
        return List.copyOf(semaphores);
    }

    private FunctionProbes function(TargetModule module, AttachPoint point) {
        return functions.computeIfAbsent(point.entry(), _ -> new FunctionProbes(module, range(module, point)));
    }

    /** The function that holds a place. */
    static FunctionRange range(TargetModule module, AttachPoint point) {
        return new FunctionRange(point.function(), point.entry(), size(module, point.entry(), point.size()));
    }

    /** Hand-written functions often have no size: then up to the next function. */
    private static long size(TargetModule module, RemoteAddress entry, long size) {
        if (size != 0) {
            return size;
        }
        RemoteAddress textEnd = module.text().getLast().end();
        return module.elf().functions().all().stream()
                .map(ElfSymbol::value)
                .map(module::remote)
                .filter(start -> start.compareTo(entry) > 0)
                .findFirst()
                .orElse(textEnd)
                .minus(entry);
    }

    private Optional<SessionRefusal> addSyscall(LinkRequest.Syscall link, CheckedProgram program) {
        OptionalInt number = OptionalInt.empty();
        if (link.syscall().isPresent()) {
            String name = link.syscall().get();
            number = SyscallTable.x8664().number(name);
            if (number.isEmpty()) {
                return Optional.of(new SessionRefusal.NoSuchSyscall(name));
            }
        }
        boolean knownOnly = collection.watchesThreads(link.program()); // no thread can begin in a function for any call
        int places = 0;
        for (Map.Entry<TargetModule, List<SyscallSite>> module : syscallSites().entrySet()) {
            for (SyscallSite site : module.getValue()) {
                boolean possible = switch (link.edge()) {
                    case ENTER -> site.hasStackBefore();
                    case EXIT -> site.hasStackBehind() && !site.neverReturns();
                };
                if (site.mayCall(number) && possible && (site.number().isPresent() || !knownOnly)) {
                    SyscallPlace call = new SyscallPlace(site.address(), site.number());
                    function(module.getKey(), site).at(call).add(link, program, number);
                    places++;
                }
            }
        }
        if (places > 0) {
            placed.add(PlacedLink.at(modules.pid(), link));
        }
        return places > 0 || scope.missing() == SessionRequest.OnMissing.WAIT
                ? Optional.empty()
                : Optional.of(new SessionRefusal.NoSyscallSite(
                        modules.pid(), link.syscall().orElse("any system call")));
    }

    /** Those of all files, found when first asked for. */
    private Map<TargetModule, List<SyscallSite>> syscallSites() {
        if (syscallSites.isEmpty()) {
            for (String path : modules.paths()) {
                if (scope.modules().test(path)) {
                    modules.named(path).ifPresent(module -> syscallSites.put(module, ModuleSites.of(module)));
                }
            }
        }
        return syscallSites;
    }

    private FunctionProbes function(TargetModule module, SyscallSite site) {
        return functions.computeIfAbsent(
                site.regionStart(),
                start -> new FunctionProbes(
                        module,
                        new FunctionRange(
                                site.function(), start, site.regionEnd().minus(start))));
    }

    /** The functions, by ascending address. */
    Collection<FunctionProbes> functions() {
        return functions.values();
    }

    /** The programs and their places, in the order of the links. */
    List<PlacedLink> placed() {
        return List.copyOf(placed);
    }
}

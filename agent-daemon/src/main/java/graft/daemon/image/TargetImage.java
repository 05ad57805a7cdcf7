package graft.daemon.image;

import graft.attach.AgentImage;
import graft.attach.AgentSyscall;
import graft.attach.Injection;
import graft.daemon.Collection;
import graft.daemon.LinkRequest;
import graft.daemon.PlacedLink;
import graft.daemon.Prints;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.daemon.StackWalk;
import graft.daemon.ThreadGroups;
import graft.daemon.ThreadNumbers;
import graft.ebpf.maps.BpfMap;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfSegment;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.UnwindConstants;
import graft.platform.linux.Lifeline;
import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessStat;
import graft.platform.proc.ProcessStatus;
import graft.platform.proc.ProcessTimer;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchPlan.CodeBlock;
import graft.rewriter.PatchSite;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.ModuleText;
import graft.rewriter.plan.Planned;
import graft.rewriter.plan.PoolPlacement;
import graft.rewriter.plan.ProbePlanner;
import graft.rewriter.plan.ProgramAtSite;
import graft.rewriter.plan.SyscallPlanner;
import graft.rewriter.plan.SyscallProgram;
import graft.rewriter.stub.Flags;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;
import graft.rewriter.stub.StubWriter;
import graft.rewriter.stub.ThunkKind;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Assembles what one session puts into one target. Everything is decided here, from {@code /proc} and files, before the
 * target is touched; the same target and the same request give the same bytes.
 */
public final class TargetImage {
    private static final long PAGE = 4096;

    private final TargetModules modules;
    private final List<BpfMap> maps;
    private final List<CheckedProgram> programs;
    private final List<CheckedProgram> tailPrograms;
    private final AgentImage agent;
    private final TargetEnvironment environment;
    private final List<PoolPlacement.Range> occupied = new ArrayList<>();
    private final Map<PoolPlacement.Range, ProgramPool> pools = new LinkedHashMap<>();
    private final List<Long> poolSizes = new ArrayList<>();
    private final List<Injection.Region> lifelines = new ArrayList<>();
    private final PatchedPlaces places = new PatchedPlaces();
    private final List<SessionRefusal.SiteRefused> skipped = new ArrayList<>();
    private final SessionRequest.OnRefusal onRefusal;
    private final Supplier<ThreadNumbers> numbers;
    private final Optional<UnwindSpace> unwindSpace;
    private final Supplier<ThreadGroups> groups;
    private final TaskFields taskFields;
    private Optional<MapPlacement> placement = Optional.empty();
    private Optional<GroupMemory> groupMemory = Optional.empty();
    private Set<RemoteAddress> guards = Set.of();
    private int links;

    private TargetImage(
            TargetModules modules,
            Collection collection,
            AgentImage agent,
            TargetEnvironment environment,
            SessionRequest request) {
        this.onRefusal = request.onRefusal();
        this.modules = modules;
        this.maps = collection.maps();
        this.programs = List.copyOf(collection.programs().values());
        this.tailPrograms = collection.tailPrograms();
        this.numbers = collection::numbers;
        this.unwindSpace = request.stacks() == StackWalk.UNWIND && collection.walksStacks()
                ? Optional.of(collection.unwindSpace())
                : Optional.empty();
        this.groups = collection::groups;
        this.taskFields = collection.taskFields();
        this.agent = agent;
        this.environment = environment;
        for (MemoryMapping mapping : modules.maps().mappings()) {
            occupied.add(new PoolPlacement.Range(mapping.start(), mapping.end()));
        }
        futureHeap().ifPresent(occupied::add);
        occupied.sort(Comparator.comparing(PoolPlacement.Range::start));
    }

    /** A program that has just been executed has no heap yet; the kernel knows where it will begin. */
    private Optional<PoolPlacement.Range> futureHeap() {
        RemoteAddress start = new RemoteAddress(
                ProcessStat.find(modules.pid()).map(ProcessStat::heapStart).orElse(0L));
        boolean isMapped = modules.maps().containing(start).isPresent();
        return start.value() == 0 || isMapped
                ? Optional.empty()
                : Optional.of(new PoolPlacement.Range(start, start.plus(PAGE)));
    }

    /** The outcome. */
    public sealed interface Assembly {
        /**
         * Ready to be attached.
         *
         * @param placed what was asked for and where it leads to, with what is left out
         * @param skipped those left out
         * @param links programs at places
         */
        record Assembled(
                Injection injection, List<PlacedLink> placed, List<SessionRefusal.SiteRefused> skipped, int links)
                implements Assembly {}

        /** Not possible, and why. */
        record Refused(SessionRefusal refusal) implements Assembly {}
    }

    /**
     * Assembles the image for one process.
     *
     * @throws graft.platform.proc.NoSuchProcessException when there is no such process
     * @throws graft.platform.linux.SysException when the process may not be read
     */
    public static Assembly assemble(int pid, SessionRequest request, Collection collection, AgentImage agent) {
        return assemble(pid, request, collection, agent, SyscallScope.everywhere(request.onMissing()));
    }

    /** The same, with programs at system calls in some files only. */
    public static Assembly assemble(
            int pid, SessionRequest request, Collection collection, AgentImage agent, SyscallScope scope) {
        try (TargetModules modules = TargetModules.of(pid);
                ProcMem memory = ProcMem.open(pid)) {
            ProbeCollector collector = new ProbeCollector(modules, collection, scope);
            Optional<SessionRefusal> unmade = Optional.empty();
            for (LinkRequest link : request.links()) {
                Optional<SessionRefusal> refusal = collector.add(link);
                boolean isMade = refusal.filter(SessionRefusal.NoSyscallSite.class::isInstance)
                        .isEmpty();
                if (!isMade && collection.watchesThreads(link.program())) {
                    continue;
                }
                boolean mayLack = request.onRefusal() == SessionRequest.OnRefusal.SKIP && !isMade;
                if (mayLack) {
                    unmade = refusal; // a call that it never makes leaves nothing uncovered
                } else if (refusal.isPresent()) {
                    return new Assembly.Refused(refusal.get());
                }
            }
            if (unmade.isPresent() && collector.functions().isEmpty()) {
                return new Assembly.Refused(unmade.get());
            }
            TargetEnvironment environment = TargetEnvironment.of(modules, memory, request.onFork());
            return new TargetImage(modules, collection, agent, environment, request)
                    .assemble(collector, collection.programs().values());
        }
    }

    private Assembly assemble(ProbeCollector collector, Iterable<CheckedProgram> programs) {
        Map<TargetModule, List<FunctionProbes>> byModule = new LinkedHashMap<>();
        for (FunctionProbes function : collector.functions()) {
            byModule.computeIfAbsent(function.module(), _ -> new ArrayList<>()).add(function);
        }
        Map<TargetModule, ModuleText> texts = new LinkedHashMap<>();
        byModule.forEach((module, functions) -> texts.put(
                module, ModuleTexts.holding(module, functions.getFirst().range().start())));
        long stubBytes = collector.functions().stream()
                .mapToLong(function -> function.maxStubBytes(texts.get(function.module())))
                .sum();
        // Modules that are near to each other share a pool, so each pool has room for everything.
        long poolSize = ProgramPool.sizeFor(stubBytes + StubWriter.maxBytes(1, FunctionProbes.MAX_DISPLACED), programs);
        for (Map.Entry<TargetModule, List<FunctionProbes>> entry : byModule.entrySet()) {
            Optional<SessionRefusal> refusal =
                    planModule(entry.getKey(), entry.getValue(), texts.get(entry.getKey()), poolSize);
            if (refusal.isPresent()) {
                return new Assembly.Refused(refusal.get());
            }
        }
        Optional<SessionRefusal> unseen = placeGroups();
        if (unseen.isPresent()) {
            return new Assembly.Refused(unseen.get());
        }
        if (!places.isEmpty()) {
            return new Assembly.Assembled(
                    injection(collector.semaphores()), collector.placed(), List.copyOf(skipped), links);
        }
        return new Assembly.Refused(
                skipped.isEmpty()
                        ? new SessionRefusal.NoSyscallSite(modules.pid(), "what was asked for")
                        : skipped.getFirst());
    }

    private Optional<SessionRefusal> planModule(
            TargetModule module, List<FunctionProbes> functions, ModuleText text, long poolSize) {
        Optional<ProgramPool> pool = poolFor(module, poolSize);
        if (pool.isEmpty()) {
            return Optional.of(new SessionRefusal.NoRoom(modules.pid(), module.path()));
        }
        ProbePlanner planner = new ProbePlanner(
                text, pool.get(), () -> pool.get().returnRoutines(this::returnPages), Unwinders.of(modules));
        try {
            for (FunctionProbes function : functions) {
                Optional<SessionRefusal.SiteRefused> changes = function.changesElsewhere(modules.pid(), tailPrograms);
                if (changes.isPresent()) {
                    return Optional.of(changes.get());
                }
                for (Part part : plan(planner, function, new Programs(pool.get(), text, tailPrograms))) {
                    Optional<SessionRefusal.SiteRefused> refused = place(part, module, function);
                    if (refused.isPresent()
                            && onRefusal == SessionRequest.OnRefusal.FAIL
                            && part.need() == Need.ASKED_FOR
                            && !function.isOnlyByPattern()) {
                        return Optional.of(refused.get());
                    }
                    refused.ifPresent(skipped::add);
                }
            }
            guardCancellation(module, functions, text, planner, pool.get());
            return Optional.empty();
        } catch (ProgramPool.NotCompiledException notCompiled) {
            return Optional.of(new SessionRefusal.ProgramNotCompiled(notCompiled.refusal()));
        }
    }

    /**
     * A thread may be cancelled in the code around a call, which no unwinder knows: the library's handler waits until the thread has
     * left it. Where that takes system calls which a filter may not let through, and where the handler is not found or cannot be
     * patched, such a thread is unwound to there only.
     */
    private void guardCancellation(
            TargetModule module,
            List<FunctionProbes> functions,
            ModuleText text,
            ProbePlanner planner,
            ProgramPool pool) {
        if (functions.stream().allMatch(function -> function.atSyscall().isEmpty()) || !mayWait()) {
            return;
        }
        ModuleSites.cancelHandler(module)
                .filter(handler -> handler.start().compareTo(text.start()) >= 0
                        && handler.end().compareTo(text.end()) <= 0)
                .map(handler -> planner.guard(handler, pool.builder().agentFunction("graft_cancel_later")))
                .ifPresent(planned -> {
                    if (planned instanceof Planned.Patchable(var patched)
                            && places.add(patched).isEmpty()) {
                        guards = patched.stream().map(PatchSite::address).collect(Collectors.toSet());
                    }
                });
    }

    private boolean mayWait() {
        return ProcessTimer.areTold()
                && ProcessStatus.threads(modules.pid()).stream()
                        .flatMap(thread -> ProcessStatus.find(thread).stream())
                        .allMatch(status -> status.seccomp() == 0);
    }

    /** What a place that cannot be patched means. */
    private enum Need {
        /** What was asked for is not possible. */
        ASKED_FOR,
        /** It is one of many and is left out. */
        OPTIONAL
    }

    /** What the planner says about one place, and how many programs are to run there. */
    private record Part(Planned planned, int programs, Need need) {}

    private Optional<SessionRefusal.SiteRefused> place(Part part, TargetModule module, FunctionProbes function) {
        String site = module.fileName() + ":" + function.range().name();
        return switch (part.planned()) {
            case Planned.Patchable(var patched) -> {
                Optional<PatchSite> met = places.add(patched);
                links += met.isEmpty() ? part.programs() : 0;
                yield met.map(other -> new SessionRefusal.SiteRefused(
                        modules.pid(),
                        site,
                        "the probe at " + patched.getFirst().symbol() + " needs instructions that the one at "
                                + other.symbol() + " moves",
                        "probe these places one after the other, or in two processes"));
            }
            case Planned.Inside(var by) -> {
                links += places.holds(by) ? part.programs() : 0;
                yield places.holds(by)
                        ? Optional.empty()
                        : Optional.of(new SessionRefusal.SiteRefused(
                                modules.pid(),
                                site,
                                "the probe at " + by.symbol() + ", which moves its instruction, is not placed",
                                "probe this place without the other"));
            }
            case Planned.Refused refused ->
                Optional.of(new SessionRefusal.SiteRefused(modules.pid(), site, refused.why(), refused.suggestion()));
        };
    }

    private static List<Part> plan(ProbePlanner planner, FunctionProbes function, Programs programs) {
        FunctionRange range = function.range();
        List<Part> parts = new ArrayList<>();
        planner.expect(range, programs.at(function.atOffset()));
        int both = function.onEntry().size() + function.onReturn().size();
        if (both > 0) {
            parts.add(new Part(
                    planner.function(range, programs.at(function.onEntry()), programs.at(function.onReturn())),
                    both,
                    Need.ASKED_FOR));
        }
        function.atOffset()
                .forEach((place, all) -> parts.add(
                        new Part(planner.offset(range, place, programs.at(all)), all.size(), Need.ASKED_FOR)));
        List<SyscallProbes> calls = function.atSyscall();
        List<SyscallPlanner.Sides> sides =
                planner.syscalls(range, calls.stream().map(programs::at).toList());
        for (int i = 0; i < calls.size(); i++) {
            int before = calls.get(i).onEnter().size();
            int behind = calls.get(i).onExit().size();
            sides.get(i).enter().ifPresent(planned -> parts.add(new Part(planned, before, Need.OPTIONAL)));
            sides.get(i).exit().ifPresent(planned -> parts.add(new Part(planned, behind, Need.OPTIONAL)));
        }
        return parts;
    }

    /** The programs of one module's places. */
    private record Programs(ProgramPool pool, ModuleText text, List<CheckedProgram> tailPrograms) {
        Map<RemoteAddress, List<ProgramAtSite>> at(Map<RemoteAddress, List<FunctionProbes.Wanted>> places) {
            Map<RemoteAddress, List<ProgramAtSite>> all = new LinkedHashMap<>();
            places.forEach((place, wanted) -> all.put(place, at(wanted)));
            return all;
        }

        List<ProgramAtSite> at(List<FunctionProbes.Wanted> wanted) {
            return wanted.stream().map(this::at).toList();
        }

        private ProgramAtSite at(FunctionProbes.Wanted wanted) {
            ProbeCall.Effect effect =
                    ProgramChanges.of(wanted.program(), tailPrograms).effect();
            return new ProgramAtSite() {
                @Override
                public ProbeCall call(ProbeKind kind) {
                    ThunkKind thunkKind = new ThunkKind(kind, text.stackUse());
                    RemoteAddress thunk =
                            pool.thunk(wanted.program(), thunkKind).address();
                    RemoteAddress ip = new RemoteAddress(wanted.ip());
                    return new ProbeCall(thunk, ip, wanted.cookie(), effect, frame(wanted.program(), kind, ip));
                }

                @Override
                public ProbeCall.Effect effect() {
                    return effect;
                }

                @Override
                public boolean readsFlags() {
                    return ProgramPool.readsFlags(wanted.program());
                }
            };
        }

        private ProbeCall.Frame frame(CheckedProgram program, ProbeKind kind, RemoteAddress ip) {
            return !kind.isReturn() && program.walksStack(tailPrograms) && text.beginsFrame(ip)
                    ? ProbeCall.Frame.BEGINS
                    : ProbeCall.Frame.THERE;
        }

        SyscallPlanner.Wanted at(SyscallProbes call) {
            return new SyscallPlanner.Wanted(call.call(), at(call, call.onEnter()), at(call, call.onExit()));
        }

        private List<SyscallProgram> at(SyscallProbes call, List<SyscallProbes.Wanted> wanted) {
            return wanted.stream()
                    .map(one -> new SyscallProgram(flags -> at(call, one, flags), one.only()))
                    .toList();
        }

        private SyscallProgram.ThunkCall at(SyscallProbes call, SyscallProbes.Wanted one, Flags flags) {
            ProgramPool.PooledThunk thunk =
                    pool.thunk(one.program(), new ThunkKind(one.kind(), text.stackUse(), flags));
            ProbeCall.Effect effect =
                    ProgramChanges.of(one.program(), tailPrograms).effect();
            ProbeCall probe = new ProbeCall(thunk.address(), call.call().end(), one.cookie(), effect);
            return new SyscallProgram.ThunkCall(probe, thunk.record());
        }
    }

    private Optional<ProgramPool> poolFor(TargetModule module, long size) {
        PoolPlacement.Range range = range(module);
        for (Map.Entry<PoolPlacement.Range, ProgramPool> existing : pools.entrySet()) {
            if (PoolPlacement.reaches(existing.getKey(), range)) {
                return Optional.of(existing.getValue());
            }
        }
        long mapBytes = placement.isEmpty() ? MapPlacement.size(maps) : 0;
        long total = PoolConstants.LIFELINE_SIZE + PoolConstants.RUNTIME_SIZE + size + mapBytes;
        return PoolPlacement.choose(occupied, range, total).map(start -> newPool(start, size, total));
    }

    private ProgramPool newPool(RemoteAddress start, long size, long total) {
        PoolPlacement.Range whole = occupy(start, total);
        lifelines.add(lifeline(start));
        RemoteAddress address = start.plus(PoolConstants.LIFELINE_SIZE + PoolConstants.RUNTIME_SIZE);
        if (placement.isEmpty()) {
            placement = Optional.of(new MapPlacement(maps, address.plus(size), unchangedMaps()));
        }
        ProgramPool pool = new ProgramPool(
                new PoolBuilder(address, size, agent), placement.get(), environment, tailPrograms, size);
        pools.put(whole, pool);
        poolSizes.add(size);
        return pool;
    }

    /** The maps that every program leaves as they are. */
    private Set<String> unchangedMaps() {
        Set<String> unchanged =
                maps.stream().map(map -> map.spec().name()).collect(Collectors.toCollection(HashSet::new));
        Stream.concat(programs.stream(), tailPrograms.stream())
                .forEach(program -> unchanged.retainAll(program.facts().unchangedMaps()));
        return unchanged;
    }

    private Optional<RemoteAddress> returnPages() {
        Optional<RemoteAddress> place =
                ReturnPages.place(modules.pid(), modules.maps().mappings(), occupied);
        place.ifPresent(start -> occupy(start, PoolConstants.RETURN_PAGES_SIZE));
        return place;
    }

    private PoolPlacement.Range occupy(RemoteAddress start, long size) {
        PoolPlacement.Range range = new PoolPlacement.Range(start, start.plus(size));
        occupied.add(range);
        occupied.sort(Comparator.comparing(PoolPlacement.Range::start));
        return range;
    }

    /** Where the loader has put it. A process may map parts again elsewhere, as V8 does with its builtins. */
    static PoolPlacement.Range range(TargetModule module) {
        List<ElfSegment> loaded = module.elf().segments().stream()
                .filter(segment -> segment.type() == ElfSegment.LOAD)
                .toList();
        long end = loaded.stream()
                .mapToLong(segment -> segment.address().value() + segment.memorySize())
                .max()
                .orElseThrow();
        return new PoolPlacement.Range(
                module.remote(loaded.getFirst().address()), new RemoteAddress(end + module.loadBias()));
    }

    private Injection injection(List<RemoteAddress> semaphores) {
        MapPlacement placed = placement.orElseThrow(() -> new AssertionError("a plan without a pool"));
        List<Injection.Pool> injected = new ArrayList<>();
        List<CodeBlock> code = new ArrayList<>();
        List<Injection.Region> regions = new ArrayList<>(lifelines);
        List<ProgramPool> all = List.copyOf(pools.values());
        RuntimeImage.Shared shared = new RuntimeImage.Shared(numbers(regions), groupMemory, unwinding(regions));
        groupMemory.map(GroupMemory::regions).ifPresent(regions::addAll);
        for (int index = 0; index < all.size(); index++) {
            ProgramPool pool = all.get(index);
            RemoteAddress next = all.get((index + 1) % all.size()).builder().pool();
            PoolBuilder builder = pool.builder();
            long size = poolSizes.get(index);
            injected.add(new Injection.Pool(
                    builder.pool(),
                    size,
                    RuntimeImage.of(
                            environment,
                            new RuntimeImage.Pool(size, next, pool.returnPages(), shared),
                            taskFields,
                            new RuntimeImage.Maps(placed.descriptors(), placed.indexOf(Prints.MAP)))));
            code.addAll(builder.blocks());
            pool.returnPages().map(ReturnPages::region).ifPresent(regions::add);
        }
        regions.addAll(placed.regions());
        return new Injection(
                modules.pid(), injected, regions, new PatchPlan(places.sites(), code, guards), calls(), semaphores);
    }

    private Set<AgentSyscall> calls() {
        Set<AgentSyscall> calls = AgentCalls.of(environment, programs, maps);
        if (!guards.isEmpty()) {
            calls.addAll(CancelHandler.CALLS);
        }
        return calls;
    }

    /** The memory in which programs find control groups, when they ask for them: why that is not possible, or nothing. */
    private Optional<SessionRefusal> placeGroups() {
        if (!GroupMemory.isNeeded(programs)) {
            return Optional.empty();
        }
        return switch (GroupMemory.of(modules.pid(), groups.get(), programs, occupied)) {
            case GroupMemory.Finding.Refused(var refusal) -> Optional.of(refusal);
            case GroupMemory.Finding.Found(var memory) -> {
                occupy(memory.address(), PoolConstants.GROUPS_SIZE);
                groupMemory = Optional.of(memory);
                yield Optional.empty();
            }
        };
    }

    /** The memory in which threads find their numbers, where they may need it; also in what it forks. */
    private Optional<RemoteAddress> numbers(List<Injection.Region> regions) {
        if (!environment.needsNumbers()) {
            return Optional.empty();
        }
        ThreadNumbers all = numbers.get();
        if (environment.ownTgid().isPresent()) {
            all.add(modules.pid());
        }
        Optional<RemoteAddress> place = PoolPlacement.inLargestGap(occupied, PoolConstants.NUMBERS_SIZE);
        place.ifPresent(start -> {
            occupy(start, PoolConstants.NUMBERS_SIZE);
            regions.add(new Injection.Region(
                    all.fd().number(),
                    0,
                    start,
                    PoolConstants.NUMBERS_SIZE,
                    Injection.Protection.READ_WRITE,
                    "numbers"));
        });
        return place;
    }

    /** The tables by which it walks stacks, when it does. */
    private Optional<RuntimeImage.Unwinding> unwinding(List<Injection.Region> regions) {
        if (unwindSpace.isEmpty()) {
            return Optional.empty();
        }
        Optional<RemoteAddress> place = PoolPlacement.inLargestGap(occupied, UnwindConstants.UNWIND_SIZE);
        return place.map(start -> {
            occupy(start, UnwindConstants.UNWIND_SIZE);
            regions.add(new Injection.Region(
                    unwindSpace.get().fd().number(),
                    0,
                    start,
                    UnwindConstants.UNWIND_SIZE,
                    Injection.Protection.READ_ONLY,
                    "unwind tables"));
            return new RuntimeImage.Unwinding(start, unwindSpace.get().describe(modules));
        });
    }

    /** The page that stops the target's probes when this process dies. */
    private static Injection.Region lifeline(RemoteAddress address) {
        int fd = Lifeline.ofThisProcess().fd().number();
        return new Injection.Region(
                fd, 0, address, PoolConstants.LIFELINE_SIZE, Injection.Protection.READ_ONLY, "lifeline");
    }
}

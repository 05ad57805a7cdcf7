package graft.daemon;

import graft.daemon.image.CheckedProgram;
import graft.daemon.image.TaskFields;
import graft.daemon.image.UnwindSpace;
import graft.daemon.timer.TimerFunctions;
import graft.daemon.timer.TimerService;
import graft.ebpf.helper.Helper;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Permission;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import graft.uprobe.usdt.UsdtSpec;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** An object that was accepted: its programs verified, its maps created. Owns the maps that it created. */
public final class Collection implements AutoCloseable {
    private final CollectionSpec spec;
    private final Map<String, BpfMap> maps;
    private final List<BpfMap> created;
    private final Map<String, CheckedProgram> programs;
    private final Optional<UsdtSpecs> usdtSpecs;
    private final TaskFields taskFields;
    private final TimerFunctions timerFunctions;
    private Optional<TimerService> timers = Optional.empty(); // guarded by this
    private Optional<ThreadNumbers> numbers = Optional.empty(); // guarded by this
    private Optional<UnwindSpace> unwindSpace = Optional.empty(); // guarded by this
    private Optional<ThreadGroups> groups = Optional.empty(); // guarded by this

    private Collection(
            CollectionSpec spec,
            Map<String, BpfMap> maps,
            List<BpfMap> created,
            Map<String, CheckedProgram> programs,
            TimerFunctions timerFunctions) {
        this.spec = spec;
        this.timerFunctions = timerFunctions;
        this.maps = maps;
        this.created = List.copyOf(created);
        this.programs = programs;
        this.taskFields = TaskFields.of(programs.values());
        this.usdtSpecs = Optional.ofNullable(maps.get(UsdtSpec.MAP))
                .filter(KeyedMap.class::isInstance)
                .map(KeyedMap.class::cast)
                .map(map -> new UsdtSpecs(map.spec(), (key, value) -> map.update(key, value, 0)));
    }

    /** The outcome of loading. */
    public sealed interface Loading {
        /** Accepted; the caller closes it. */
        record Loaded(Collection collection) implements Loading {}

        /** Not accepted. */
        record Refused(SessionRefusal refusal) implements Loading {}
    }

    /**
     * Verifies the programs named in {@code wanted}, and those that tail calls can lead to, and creates the object's maps.
     *
     * @param given maps that exist already, by name; they stay the caller's
     */
    public static Loading load(CollectionSpec spec, Set<String> wanted, Map<String, BpfMap> given) {
        return load(spec, wanted, given, Set.of());
    }

    /** The same for programs that may do what {@code allowed} says. */
    public static Loading load(
            CollectionSpec spec, Set<String> wanted, Map<String, BpfMap> given, Set<Permission> allowed) {
        for (String name : wanted) {
            if (!spec.programs().containsKey(name)) {
                return new Loading.Refused(new SessionRefusal.NoSuchProgram(
                        name, List.copyOf(spec.programs().keySet())));
            }
        }
        Set<String> needed = new LinkedHashSet<>(wanted);
        needed.addAll(TailPrograms.of(spec));
        // Making a ring is the kernel's work, verifying is ours: both at once.
        CompletableFuture<Making> making = CompletableFuture.supplyAsync(() -> Making.of(spec, given));
        try {
            Checking checking = check(spec, needed, Verifier.of(spec.maps()).allowing(allowed));
            Making made = made(making);
            return switch (checking) {
                case Checking.Refused(var refusal) -> {
                    made.close();
                    yield new Loading.Refused(refusal);
                }
                case Checking.Accepted(var programs, var functions) ->
                    switch (made) {
                        case Making.Made(var maps, var created) ->
                            new Loading.Loaded(new Collection(spec, maps, created, programs, functions));
                        case Making.Refused(var refusal) -> new Loading.Refused(refusal);
                    };
            };
        } catch (RuntimeException | Error broken) {
            making.thenAccept(Making::close);
            throw broken;
        }
    }

    /** What became of the programs. */
    private sealed interface Checking {
        /** By name, and what they give to timers. */
        record Accepted(Map<String, CheckedProgram> programs, TimerFunctions functions) implements Checking {}

        /** One of them, or how they go together. */
        record Refused(SessionRefusal refusal) implements Checking {}
    }

    /** Each verification is independent of the others. */
    private static Checking check(CollectionSpec spec, Set<String> names, Verifier verifier) {
        Verifier own = verifier.allowing(Set.of(Permission.CONFINE));
        List<Verdict> verdicts = List.copyOf(names).parallelStream()
                .map(name -> spec.programs().get(name))
                .map(program -> (SyscallWatch.isOwn(program) ? own : verifier).verify(program))
                .toList();
        Map<String, CheckedProgram> programs = new LinkedHashMap<>();
        TimerFunctions functions = new TimerFunctions();
        Iterator<Verdict> next = verdicts.iterator();
        for (String name : names) {
            switch (next.next()) {
                case Verdict.Accepted(var facts) -> {
                    ProgSpec program = spec.programs().get(name);
                    programs.put(name, new CheckedProgram(program, functions.add(program, facts)));
                }
                case Verdict.Rejected(var rejection) -> {
                    return new Checking.Refused(new SessionRefusal.ProgramRejected(rejection));
                }
            }
        }
        if (functions.count() > TimerFunctions.MOST) {
            return new Checking.Refused(new SessionRefusal.MapRefused(
                    "with timers",
                    "the programs give timers %d functions, and a timer has room for %d"
                            .formatted(functions.count(), TimerFunctions.MOST),
                    "fewer functions"));
        }
        return TailPrograms.mixed(spec, programs.values())
                .<Checking>map(why -> new Checking.Refused(new SessionRefusal.MapRefused(
                        "of programs to tail call", why, "one object for each kind of program")))
                .orElseGet(() -> new Checking.Accepted(programs, functions));
    }

    private static Making made(CompletableFuture<Making> making) {
        try {
            return making.join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    public CollectionSpec spec() {
        return spec;
    }

    /** A map by name. */
    public Optional<BpfMap> map(String name) {
        return Optional.ofNullable(maps.get(name));
    }

    /** All maps, in the order of the object. */
    public List<BpfMap> maps() {
        return List.copyOf(maps.values());
    }

    /** Where programs look up the arguments of static probes; nothing when the object has no such map. */
    public Optional<UsdtSpecs> usdtSpecs() {
        return usdtSpecs;
    }

    /** Where programs look for what they read of a task. */
    public TaskFields taskFields() {
        return taskFields;
    }

    /** The numbers of threads in other pid namespaces, made when first asked for. */
    public synchronized ThreadNumbers numbers() {
        if (numbers.isEmpty()) {
            numbers = Optional.of(new ThreadNumbers());
        }
        return numbers.get();
    }

    /** The tables for unwinding, made when first asked for. */
    public synchronized UnwindSpace unwindSpace() {
        if (unwindSpace.isEmpty()) {
            unwindSpace = Optional.of(new UnwindSpace());
        }
        return unwindSpace.get();
    }

    /** Whether a program walks the stack. */
    public boolean walksStacks() {
        return programs.values().stream()
                .flatMap(program -> program.facts().helpers().stream())
                .anyMatch(Helper::walksStack);
    }

    /** The control groups of targets, watched when first asked for. */
    public synchronized ThreadGroups groups() {
        if (groups.isEmpty()) {
            groups = Optional.of(new ThreadGroups());
        }
        return groups.get();
    }

    /** The names of all maps. */
    public Set<String> names() {
        return Set.copyOf(maps.keySet());
    }

    /** Frees what the dead process {@code pid} holds in the maps. */
    void targetEnded(int pid) {
        for (BpfMap map : maps.values()) {
            map.releaseLocksOf(pid);
            if (map instanceof RingBuffer ring) {
                ring.reader().ownerDied(pid);
            }
            if (map instanceof PerfBuffers buffers) {
                buffers.ownerDied(pid);
            }
            if (map instanceof TaskStorageMap storage) {
                storage.forgetEnded();
            }
        }
    }

    /** Whether a program is one of graft's own that are for calls by which threads begin and end. */
    public boolean watchesThreads(String program) {
        return StorageWatch.isOwn(spec.programs().get(program));
    }

    /** The verified programs, by name. */
    public Map<String, CheckedProgram> programs() {
        return Map.copyOf(programs);
    }

    /** The programs that tail calls can lead to, in the order of their numbers. */
    public List<CheckedProgram> tailPrograms() {
        return TailPrograms.of(spec).stream().map(programs::get).toList();
    }

    /** From now on functions of timers run. */
    synchronized void startTimers() {
        if (timers.isEmpty() && timerFunctions.count() > 0) {
            timers = Optional.of(TimerService.start(timerFunctions, maps));
        }
    }

    private synchronized TimerService.Faults timerFaults() {
        return timers.map(TimerService::faults).orElse(TimerService.Faults.NONE);
    }

    /** How often functions of timers were given up: they did what no verified one does, or did not end. */
    public long timersGivenUp() {
        return timerFaults().count();
    }

    /** What the first of these functions did; empty when there is none. */
    public String timerFault() {
        return timerFaults().first();
    }

    @Override
    public synchronized void close() {
        timers.ifPresent(TimerService::close);
        numbers.ifPresent(ThreadNumbers::close);
        unwindSpace.ifPresent(UnwindSpace::close);
        groups.ifPresent(ThreadGroups::close);
        created.forEach(BpfMap::close);
    }
}

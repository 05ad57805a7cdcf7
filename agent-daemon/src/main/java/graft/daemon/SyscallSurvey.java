package graft.daemon;

import graft.daemon.image.ModuleTexts;
import graft.daemon.image.Unwinders;
import graft.platform.address.RemoteAddress;
import graft.platform.proc.MemoryMapping;
import graft.rewriter.PatchSite;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.ModuleText;
import graft.rewriter.plan.Planned;
import graft.rewriter.plan.ProbePlanner;
import graft.rewriter.plan.SyscallPlace;
import graft.rewriter.plan.SyscallPlanner;
import graft.rewriter.plan.SyscallProgram;
import graft.rewriter.plan.Unwinding;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.SiteRecord;
import graft.syscalls.SyscallSite;
import graft.syscalls.SyscallSites;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * How the system calls of a process could be hooked: programs before and behind each are planned. The process is not
 * touched.
 *
 * @param modules those that make system calls, in the order of their addresses
 * @param notLooked executable memory that is no file's, or no file that can be read
 */
public record SyscallSurvey(int pid, List<Module> modules, List<NotLooked> notLooked) {
    public SyscallSurvey {
        modules = List.copyOf(modules);
        notLooked = List.copyOf(notLooked);
    }

    /** One file's sites, and places in it that may be some. */
    public record Module(String path, List<Site> sites, List<RemoteAddress> unclear) {
        public Module {
            sites = List.copyOf(sites);
            unclear = List.copyOf(unclear);
        }
    }

    /** One {@code syscall} instruction. */
    public record Site(SyscallSite site, Side before, Side behind) {}

    /** One side of a call. */
    public sealed interface Side {
        /** Programs can run there. */
        record Hooked(PatchSite.Tactic tactic) implements Side {}

        /** They cannot. */
        record Refused(String why) implements Side {}

        /** Nobody needs it: what is called there never returns to that place, or must not be touched. */
        record Excluded(String why) implements Side {}
    }

    /** Executable memory whose system calls are not looked for. */
    public record NotLooked(RemoteAddress start, long size, String what, String why) {}

    /** @throws graft.platform.proc.NoSuchProcessException when there is no such process */
    public static SyscallSurvey of(int pid) {
        try (TargetModules modules = TargetModules.of(pid)) {
            List<Module> found = new ArrayList<>();
            List<NotLooked> notLooked = new ArrayList<>();
            Unwinding unwinding = Unwinders.of(modules);
            for (String path : modules.paths()) {
                modules.named(path).ifPresent(module -> {
                    Module surveyed = survey(module, unwinding);
                    if (!surveyed.sites().isEmpty() || !surveyed.unclear().isEmpty()) {
                        found.add(surveyed);
                    }
                });
            }
            for (MemoryMapping mapping : modules.maps().mappings()) {
                if (mapping.isExecutable()) {
                    why(mapping, modules).ifPresent(why -> notLooked.add(notLooked(mapping, why)));
                }
            }
            return new SyscallSurvey(pid, found, notLooked);
        }
    }

    private static NotLooked notLooked(MemoryMapping mapping, String why) {
        return new NotLooked(
                mapping.start(),
                mapping.end().minus(mapping.start()),
                mapping.path().orElse("anonymous"),
                why);
    }

    private static Optional<String> why(MemoryMapping mapping, TargetModules modules) {
        String path = mapping.path().orElse("");
        if (path.startsWith("[vdso") || path.startsWith("[vsyscall")) {
            return Optional.of("the kernel's own code: it calls the kernel only for clocks that it cannot read itself");
        }
        if (!mapping.isFile()) {
            return Optional.of("code that was made at run time");
        }
        return modules.named(path).isEmpty() ? Optional.of("the file cannot be read") : Optional.empty();
    }

    private static Module survey(TargetModule module, Unwinding unwinding) {
        SyscallSites sites = SyscallSites.of(module.elf(), module.loadBias());
        List<Site> surveyed = new ArrayList<>();
        List<ModuleText> texts = sites.sites().isEmpty()
                ? List.of()
                : ModuleTexts.all(module.fileName(), module.elf(), module.loadBias());
        for (ModuleText text : texts) {
            Sides sides = new Sides(text, unwinding);
            Map<RemoteAddress, List<SyscallSite>> functions = new TreeMap<>();
            for (SyscallSite site : sites.sites()) {
                if (site.address().compareTo(text.start()) >= 0
                        && site.address().compareTo(text.end()) < 0) {
                    functions
                            .computeIfAbsent(site.regionStart(), _ -> new ArrayList<>())
                            .add(site);
                }
            }
            functions.values().forEach(function -> surveyed.addAll(sides.of(function)));
        }
        return new Module(module.path(), surveyed, sites.unclear());
    }

    /** Plans the sites of one text. */
    private static final class Sides {
        private static final Side NO_STACK =
                new Side.Excluded("the thread has given its stack back, and programs need one");

        private final ProbePlanner planner;
        private final SyscallProgram program;

        Sides(ModuleText text, Unwinding unwinding) {
            ImaginaryPool pool = ImaginaryPool.behind(text);
            RemoteAddress thunk = pool.next();
            this.program = new SyscallProgram(
                    _ -> new SyscallProgram.ThunkCall(new ProbeCall(thunk, thunk, 0), SiteRecord.READ),
                    OptionalInt.empty());
            this.planner = new ProbePlanner(text, pool, () -> new ReturnRoutines.Addresses(thunk, thunk), unwinding);
        }

        /** @param sites those of one function */
        List<Site> of(List<SyscallSite> sites) {
            SyscallSite first = sites.getFirst();
            FunctionRange function = new FunctionRange(
                    first.function(), first.regionStart(), first.regionEnd().minus(first.regionStart()));
            List<SyscallSite> hooked = sites.stream().filter(Sides::mayBeHooked).toList();
            List<SyscallPlanner.Sides> planned =
                    planner.syscalls(function, hooked.stream().map(this::wanted).toList());
            return sites.stream()
                    .map(site -> mayBeHooked(site) ? of(site, planned.get(hooked.indexOf(site))) : never(site))
                    .toList();
        }

        private static boolean mayBeHooked(SyscallSite site) {
            return !site.isSignalReturn() && site.hasStackBefore();
        }

        private static Site never(SyscallSite site) {
            Side never = site.isSignalReturn()
                    ? new Side.Excluded("unwinders know the return from a signal's handler by these bytes")
                    : NO_STACK;
            return new Site(site, never, never);
        }

        private SyscallPlanner.Wanted wanted(SyscallSite site) {
            return new SyscallPlanner.Wanted(
                    new SyscallPlace(site.address(), site.number()),
                    List.of(program),
                    site.neverReturns() || !site.hasStackBehind() ? List.of() : List.of(program));
        }

        private static Site of(SyscallSite site, SyscallPlanner.Sides sides) {
            Side before = side(sides.enter());
            if (site.neverReturns()) {
                return new Site(site, before, new Side.Excluded("nothing comes back from this call"));
            }
            return new Site(site, before, site.hasStackBehind() ? side(sides.exit()) : NO_STACK);
        }

        private static Side side(Optional<Planned> planned) {
            return switch (planned.orElseThrow()) {
                case Planned.Patchable(var patches) ->
                    new Side.Hooked(patches.getFirst().tactic());
                case Planned.Refused(var _, var why, var _) -> new Side.Refused(why);
                case Planned.Inside inside -> throw new AssertionError(inside);
            };
        }
    }
}

package graft.rewriter.plan;

import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.PatchSite;
import graft.rewriter.stub.Flags;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.Stub;
import graft.rewriter.stub.SyscallStubWriter;
import graft.rewriter.stub.SyscallStubWriter.Handover;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Plans programs before and behind the {@code syscall} instructions of one function, which stay where they are: restarts,
 * cancellation, filters by address and children that return twice find them as they were. Made by {@link ProbePlanner}.
 */
public final class SyscallPlanner {
    private static final int LOOK_BACK = 24;

    /** As many as the two stubs between two calls would have. */
    private static final int MOST_BETWEEN = 10;

    private final TargetIndex index;
    private final SiteWriter sites;
    private final CodeSpace space;
    private final FunctionRange function;
    private final ReturnBehindCall returns;
    private Optional<Behind> previous = Optional.empty();

    SyscallPlanner(
            TargetIndex index, SiteWriter sites, CodeSpace space, FunctionRange function, ReturnBehindCall returns) {
        this.returns = returns;
        this.index = index;
        this.sites = sites;
        this.space = space;
        this.function = function;
    }

    /**
     * What runs at one call.
     *
     * @param onEnter before it
     * @param onExit behind it
     */
    public record Wanted(SyscallPlace call, List<SyscallProgram> onEnter, List<SyscallProgram> onExit) {
        public Wanted {
            onEnter = List.copyOf(onEnter);
            onExit = List.copyOf(onExit);
        }
    }

    /**
     * What became of the two sides of one call.
     *
     * @param enter empty when no program was asked for there, and none behind it needs it
     * @param exit empty when no program was asked for there
     */
    public record Sides(Optional<Planned> enter, Optional<Planned> exit) {}

    /** The side behind a call, which the next call may need as well. */
    private record Behind(
            int place, SyscallPlace call, List<SyscallProgram> programs, Optional<Handover> kept, Site site) {}

    /**
     * Programs at calls of any or of one number, ascending. Behind a call of any number, and where the code behind it is
     * reached in another way too, programs run only when the stub before it could keep the number. Two calls that are too
     * near to each other for two jumps share one, which is then the site of both sides.
     */
    public List<Sides> plan(List<Wanted> calls) {
        List<Sides> planned = new ArrayList<>();
        for (Wanted wanted : calls) {
            Optional<Behind> before = previous;
            previous = Optional.empty();
            Sides sides = plan(wanted, before, planned);
            planned.add(around(wanted, sides, planned));
        }
        return planned;
    }

    private Sides plan(Wanted wanted, Optional<Behind> before, List<Sides> planned) {
        SyscallPlace call = wanted.call();
        List<SyscallProgram> onEnter = wanted.onEnter();
        List<SyscallProgram> onExit = wanted.onExit();
        boolean bypassed = index.branchTo(call.end()).isPresent();
        boolean keeps = (call.number().isEmpty() || bypassed) && !onExit.isEmpty();
        if (keeps && !RedZoneUse.leavesLowestAlone(index.insns(function))) {
            Planned refused = Site.refused(
                            Planned.Reason.NOT_MOVABLE,
                            function.name() + " uses all of its red zone, where the number would be kept")
                    .planned();
            return new Sides(enterOnly(wanted, before, planned), Optional.of(refused));
        }
        Optional<Handover> kept = keeps ? Optional.of(handover(call, onExit)) : Optional.empty();
        if (onEnter.isEmpty() && !keeps) {
            return new Sides(
                    Optional.empty(),
                    Optional.of(exit(wanted, kept, planned.size()).planned()));
        }
        Entered enter = enter(call, onEnter, kept, before, planned);
        if (onExit.isEmpty()) {
            return new Sides(Optional.of(enter.planned()), Optional.empty());
        }
        if (keeps && enter.site() instanceof Site.Refused) {
            return new Sides(Optional.of(enter.planned()), Optional.of(enter.planned()));
        }
        Site exit = exit(wanted, kept, planned.size());
        if (onEnter.isEmpty()
                && exit instanceof Site.Refused
                && enter instanceof Entered(Site.Written(var patches), Way way)
                && way == Way.ALONE) {
            sites.forget(patches);
            return new Sides(Optional.empty(), Optional.of(exit.planned()));
        }
        return new Sides(Optional.of(enter.planned()), Optional.of(exit.planned()));
    }

    /** Where nothing but a return is behind a call, which has no room for a jump, one stub before it sees both sides. */
    private Sides around(Wanted wanted, Sides sides, List<Sides> planned) {
        SyscallPlace call = wanted.call();
        boolean isRefused =
                sides.exit().filter(Planned.Refused.class::isInstance).isPresent();
        boolean isShared = sides.enter().isPresent()
                && !planned.isEmpty()
                && planned.getLast().exit().equals(sides.enter());
        if (!isRefused
                || isShared
                || index.branchTo(call.address()).isPresent()
                || !returns.canBeWrapped(index.insns(function), call)) {
            return sides;
        }
        List<PatchSite> alone = sides.enter().map(SyscallPlanner::patches).orElse(List.of());
        sites.forget(alone);
        Site around = enter(call, Window.JUMP_LENGTH, window -> aroundStub(window, wanted));
        if (around instanceof Site.Refused) {
            around = enter(call, Window.SHORT_JUMP_LENGTH, window -> aroundStub(window, wanted));
        }
        if (around instanceof Site.Refused) {
            sites.keep(alone);
            return sides;
        }
        Optional<Planned> both = Optional.of(around.planned());
        return new Sides(wanted.onEnter().isEmpty() ? Optional.empty() : both, both);
    }

    private Stub aroundStub(Window window, Wanted wanted) {
        SyscallPlace call = wanted.call();
        Flags flags = flags(call);
        List<SyscallStubWriter.Call> before = calls(wanted.onEnter(), flags);
        SyscallStubWriter.Number number =
                new SyscallStubWriter.Number.Constant(call.number().orElseThrow());
        SyscallStubWriter.After after = new SyscallStubWriter.After(calls(wanted.onExit(), flags), number, call.end());
        ReturnRoutines.Addresses routines = returns.routines();
        return new SyscallStubWriter(space.next(), flags)
                .around(before, after, routines, window.insns(), window.back());
    }

    private Optional<Planned> enterOnly(Wanted wanted, Optional<Behind> before, List<Sides> planned) {
        return wanted.onEnter().isEmpty()
                ? Optional.empty()
                : Optional.of(enter(wanted.call(), wanted.onEnter(), Optional.empty(), before, planned)
                        .planned());
    }

    private static Handover handover(SyscallPlace call, List<SyscallProgram> onExit) {
        boolean every = onExit.stream().anyMatch(program -> program.only().isEmpty());
        Set<Integer> only = every
                ? Set.of()
                : onExit.stream().map(program -> program.only().orElseThrow()).collect(Collectors.toSet());
        return new Handover(tag(call), only);
    }

    /** Tells what this site's stub has kept from what happens to lie there. */
    private static int tag(SyscallPlace call) {
        return (int) (call.address().value() * 0x9e37_79b9_7f4a_7c15L >>> 33) | 1;
    }

    /** How the programs before a call are reached. */
    private enum Way {
        /** By bytes before the call. */
        ALONE,
        /** From the stub behind the call before it. */
        SHARED
    }

    private record Entered(Site site, Way way) {
        Planned planned() {
            return site.planned();
        }
    }

    private Entered enter(
            SyscallPlace call,
            List<SyscallProgram> programs,
            Optional<Handover> kept,
            Optional<Behind> before,
            List<Sides> planned) {
        Optional<String> bypass = index.branchTo(call.address());
        if (bypass.isPresent()) {
            return new Entered(
                    Site.refused(
                            Planned.Reason.BRANCH_TARGET,
                            "the call is reached without what is before it: " + bypass.get()),
                    Way.ALONE);
        }
        Site alone = enter(call, Window.JUMP_LENGTH, programs, kept);
        boolean apart = alone instanceof Site.Written
                && before.filter(behind -> behind.site() instanceof Site.Refused)
                        .isEmpty();
        if (apart) {
            return new Entered(alone, Way.ALONE);
        }
        if (before.isPresent() && shared(before.get(), call, programs, kept, alone) instanceof Site.Written shared) {
            Sides sides = planned.get(before.get().place());
            planned.set(before.get().place(), new Sides(sides.enter(), Optional.of(shared.planned())));
            return new Entered(shared, Way.SHARED);
        }
        return new Entered(alone instanceof Site.Written ? alone : near(call, programs, kept, alone), Way.ALONE);
    }

    /** Where there is no room for a long jump; the reason for that is the one to report. */
    private Site near(SyscallPlace call, List<SyscallProgram> programs, Optional<Handover> kept, Site alone) {
        Site near = enter(call, Window.SHORT_JUMP_LENGTH, programs, kept);
        if (near instanceof Site.Written) {
            return near;
        }
        Site early = call.neverReturns() ? early(call, programs) : alone;
        return early instanceof Site.Written ? early : alone;
    }

    /** One jump right behind the call before this one: all that is between them is moved. */
    private Site shared(
            Behind before, SyscallPlace call, List<SyscallProgram> programs, Optional<Handover> kept, Site alone) {
        List<X64Insn> between = before(call).stream()
                .filter(insn -> insn.address().compareTo(before.call().end()) >= 0)
                .toList();
        if (between.isEmpty()
                || between.size() > MOST_BETWEEN
                || !between.getFirst().address().equals(before.call().end())) {
            return alone;
        }
        Optional<String> target = index.targetInside(function, before.call().end(), call.address());
        if (target.isPresent()) {
            return Site.refused(Planned.Reason.BRANCH_TARGET, target.get());
        }
        sites.forget(patches(alone));
        sites.forget(patches(before.site()));
        Site shared = shared(before, call, programs, kept, Window.all(between, Window.JUMP_LENGTH));
        if (shared instanceof Site.Refused) {
            shared = shared(before, call, programs, kept, Window.all(between, Window.SHORT_JUMP_LENGTH));
        }
        if (shared instanceof Site.Refused) {
            sites.keep(patches(before.site()));
            sites.keep(patches(alone));
        }
        return shared;
    }

    private Site shared(
            Behind before,
            SyscallPlace call,
            List<SyscallProgram> programs,
            Optional<Handover> kept,
            Window.Search search) {
        return switch (search) {
            case Window.Search.None(var reason, var why) -> Site.refused(reason, why);
            case Window.Search.Found(var window) ->
                sites.at(function, window, found -> {
                    boolean dead = flags(before.call()) == Flags.DEAD && flags(call) == Flags.DEAD;
                    Flags flags = dead ? Flags.DEAD : Flags.LIVE;
                    SyscallStubWriter.After first = new SyscallStubWriter.After(
                            calls(before.programs(), flags),
                            number(before.call(), before.kept()),
                            before.call().end());
                    List<SyscallStubWriter.Call> second = calls(programs, flags);
                    return new SyscallStubWriter(space.next(), flags)
                            .between(first, second, kept, found.insns(), found.back());
                });
        };
    }

    private static List<PatchSite> patches(Site site) {
        return site instanceof Site.Written(var patches) ? patches : List.of();
    }

    private static List<PatchSite> patches(Planned planned) {
        return planned instanceof Planned.Patchable(var patches) ? patches : List.of();
    }

    /**
     * From a long instruction on that is further before the call. What jumps behind it runs the code as it was, unseen:
     * that is the loop around a call that never returns.
     */
    private Site early(SyscallPlace call, List<SyscallProgram> programs) {
        List<X64Insn> before = before(call);
        for (int first = before.size() - 1; first >= 0; first--) {
            if (before.get(first).length() >= Window.JUMP_LENGTH
                    && before.get(first).kind() == InsnKind.PLAIN) {
                Window window = new Window(before.subList(first, before.size()), 0, Window.JUMP_LENGTH);
                return sites.at(function, window, found -> enterStub(found, Flags.LIVE, programs, Optional.empty()));
            }
        }
        return Site.refused(Planned.Reason.TOO_SHORT, "no long instruction is before it");
    }

    private Site enter(SyscallPlace call, int jump, List<SyscallProgram> programs, Optional<Handover> kept) {
        return enter(call, jump, window -> enterStub(window, flags(call), programs, kept));
    }

    private Site enter(SyscallPlace call, int jump, Function<Window, Stub> stub) {
        return switch (Window.upTo(before(call), jump)) {
            case Window.Search.None(var reason, var why) -> Site.refused(reason, why);
            case Window.Search.Found(var window) -> {
                Optional<String> target = window.isSingle()
                        ? Optional.empty()
                        : index.targetInside(function, window.start(), call.address());
                yield target.isPresent()
                        ? Site.refused(Planned.Reason.BRANCH_TARGET, target.get())
                        : sites.at(function, window, stub);
            }
        };
    }

    /** Thunks come first into the code space. */
    private Stub enterStub(Window window, Flags flags, List<SyscallProgram> programs, Optional<Handover> kept) {
        List<SyscallStubWriter.Call> calls = calls(programs, flags);
        return new SyscallStubWriter(space.next(), flags).enter(calls, kept, window.insns(), window.back());
    }

    /** A comparison behind the call overwrites them all, whatever leads there. */
    private Flags flags(SyscallPlace call) {
        List<X64Insn> behind = index.insnsFrom(function, call.end());
        return !behind.isEmpty() && FlagUse.isComparison(behind.getFirst()) ? Flags.DEAD : Flags.LIVE;
    }

    /** The instructions right before a call, as many as matter. */
    private List<X64Insn> before(SyscallPlace call) {
        List<X64Insn> insns = index.insns(function);
        int end = 0;
        while (end < insns.size() && insns.get(end).address().compareTo(call.address()) < 0) {
            end++;
        }
        boolean boundary = end < insns.size() && insns.get(end).address().equals(call.address());
        return boundary ? insns.subList(Math.max(0, end - LOOK_BACK), end) : List.of();
    }

    private Site exit(Wanted wanted, Optional<Handover> kept, int place) {
        SyscallPlace call = wanted.call();
        Site site = sites.at(function, call.end(), window -> {
            Flags flags = flags(call);
            List<SyscallStubWriter.Call> calls = calls(wanted.onExit(), flags);
            return new SyscallStubWriter(space.next(), flags)
                    .exit(calls, number(call, kept), call.end(), window.insns(), window.back());
        });
        previous = Optional.of(new Behind(place, call, wanted.onExit(), kept, site));
        return site;
    }

    private SyscallStubWriter.Number number(SyscallPlace call, Optional<Handover> kept) {
        if (kept.isEmpty()) {
            return new SyscallStubWriter.Number.Constant(call.number().orElseThrow());
        }
        SyscallStubWriter.Ways ways =
                index.branchTo(call.end()).isPresent() ? SyscallStubWriter.Ways.BRANCHES : SyscallStubWriter.Ways.CALL;
        return new SyscallStubWriter.Number.Kept(kept.get().tag(), ways);
    }

    private static List<SyscallStubWriter.Call> calls(List<SyscallProgram> programs, Flags flags) {
        return programs.stream().map(program -> program.call(flags)).toList();
    }
}

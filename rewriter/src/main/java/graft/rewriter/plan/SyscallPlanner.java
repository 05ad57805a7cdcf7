package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.stub.Stub;
import graft.rewriter.stub.SyscallStubWriter;
import graft.rewriter.stub.SyscallStubWriter.Flags;
import graft.rewriter.stub.SyscallStubWriter.Handover;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Plans programs before and behind {@code syscall} instructions, which stay where they are: restarts, cancellation,
 * filters by address and children that return twice find them as they were. Made by {@link ProbePlanner}.
 */
public final class SyscallPlanner {
    private static final int LOOK_BACK = 24;

    private final TargetIndex index;
    private final SiteWriter sites;
    private final CodeSpace space;

    SyscallPlanner(TargetIndex index, SiteWriter sites, CodeSpace space) {
        this.index = index;
        this.sites = sites;
        this.space = space;
    }

    /**
     * What became of the two sides of one call.
     *
     * @param enter empty when no program was asked for there, and none behind it needs it
     * @param exit empty when no program was asked for there
     */
    public record Sides(Optional<Planned> enter, Optional<Planned> exit) {}

    /**
     * Programs at a call of any or of one number. Behind a call of any number, and where the code behind it is reached in
     * another way too, programs run only when the stub before it could keep the number.
     */
    public Sides plan(
            FunctionRange function, SyscallPlace call, List<SyscallProgram> onEnter, List<SyscallProgram> onExit) {
        boolean bypassed = index.branchTo(call.end()).isPresent();
        boolean keeps = (call.number().isEmpty() || bypassed) && !onExit.isEmpty();
        if (keeps && !RedZoneUse.leavesLowestAlone(index.insns(function))) {
            Planned refused = Site.refused(
                            Planned.Reason.NOT_MOVABLE,
                            function.name() + " uses all of its red zone, where the number would be kept")
                    .planned();
            return new Sides(enterOnly(function, call, onEnter), Optional.of(refused));
        }
        Optional<Handover> kept = keeps ? Optional.of(handover(call, onExit)) : Optional.empty();
        if (onEnter.isEmpty() && !keeps) {
            return new Sides(
                    Optional.empty(),
                    Optional.of(exit(function, call, onExit, kept).planned()));
        }
        Site enter = enter(function, call, onEnter, kept);
        if (onExit.isEmpty()) {
            return new Sides(Optional.of(enter.planned()), Optional.empty());
        }
        if (keeps && enter instanceof Site.Refused) {
            return new Sides(Optional.of(enter.planned()), Optional.of(enter.planned()));
        }
        Site exit = exit(function, call, onExit, kept);
        if (onEnter.isEmpty() && exit instanceof Site.Refused && enter instanceof Site.Written(var patches)) {
            sites.forget(patches);
            return new Sides(Optional.empty(), Optional.of(exit.planned()));
        }
        return new Sides(Optional.of(enter.planned()), Optional.of(exit.planned()));
    }

    private Optional<Planned> enterOnly(FunctionRange function, SyscallPlace call, List<SyscallProgram> programs) {
        return programs.isEmpty()
                ? Optional.empty()
                : Optional.of(enter(function, call, programs, Optional.empty()).planned());
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

    private Site enter(
            FunctionRange function, SyscallPlace call, List<SyscallProgram> programs, Optional<Handover> kept) {
        Optional<String> bypass = index.branchTo(call.address());
        if (bypass.isPresent()) {
            return Site.refused(
                    Planned.Reason.BRANCH_TARGET, "the call is reached without what is before it: " + bypass.get());
        }
        Site site = enter(function, call, Window.JUMP_LENGTH, programs, kept);
        if (site instanceof Site.Written) {
            return site;
        }
        Site near = enter(function, call, Window.SHORT_JUMP_LENGTH, programs, kept);
        if (near instanceof Site.Written) {
            return near;
        }
        Site early = call.neverReturns() ? early(function, call, programs) : site;
        return early instanceof Site.Written ? early : site;
    }

    /**
     * From a long instruction on that is further before the call. What jumps behind it runs the code as it was, unseen:
     * that is the loop around a call that never returns.
     */
    private Site early(FunctionRange function, SyscallPlace call, List<SyscallProgram> programs) {
        List<X64Insn> before = before(function, call);
        for (int first = before.size() - 1; first >= 0; first--) {
            if (before.get(first).length() >= Window.JUMP_LENGTH
                    && before.get(first).kind() == InsnKind.PLAIN) {
                Window window = new Window(before.subList(first, before.size()), 0, Window.JUMP_LENGTH);
                return sites.at(function, window, found -> enterStub(found, Flags.LIVE, programs, Optional.empty()));
            }
        }
        return Site.refused(Planned.Reason.TOO_SHORT, "no long instruction is before it");
    }

    private Site enter(
            FunctionRange function,
            SyscallPlace call,
            int jump,
            List<SyscallProgram> programs,
            Optional<Handover> kept) {
        return switch (Window.upTo(before(function, call), jump)) {
            case Window.Search.None(var reason, var why) -> Site.refused(reason, why);
            case Window.Search.Found(var window) -> {
                Optional<String> target = window.isSingle()
                        ? Optional.empty()
                        : index.targetInside(function, window.start(), call.address());
                yield target.isPresent()
                        ? Site.refused(Planned.Reason.BRANCH_TARGET, target.get())
                        : sites.at(function, window, found -> enterStub(found, flags(function, call), programs, kept));
            }
        };
    }

    /** Thunks come first into the code space. */
    private Stub enterStub(Window window, Flags flags, List<SyscallProgram> programs, Optional<Handover> kept) {
        List<SyscallStubWriter.Call> calls = calls(programs);
        return new SyscallStubWriter(space.next(), flags).enter(calls, kept, window.insns(), window.back());
    }

    /** A comparison behind the call overwrites them all, whatever leads there. */
    private Flags flags(FunctionRange function, SyscallPlace call) {
        List<X64Insn> behind = index.insnsFrom(function, call.end());
        return !behind.isEmpty() && FlagUse.isComparison(behind.getFirst()) ? Flags.DEAD : Flags.LIVE;
    }

    /** The instructions right before a call, as many as matter. */
    private List<X64Insn> before(FunctionRange function, SyscallPlace call) {
        List<X64Insn> insns = index.insns(function);
        int end = 0;
        while (end < insns.size() && insns.get(end).address().compareTo(call.address()) < 0) {
            end++;
        }
        boolean boundary = end < insns.size() && insns.get(end).address().equals(call.address());
        return boundary ? insns.subList(Math.max(0, end - LOOK_BACK), end) : List.of();
    }

    private Site exit(
            FunctionRange function, SyscallPlace call, List<SyscallProgram> programs, Optional<Handover> kept) {
        RemoteAddress end = call.end();
        SyscallStubWriter.Number number = kept.isPresent()
                ? new SyscallStubWriter.Number.Kept(kept.get().tag())
                : new SyscallStubWriter.Number.Constant(call.number().orElseThrow());
        return sites.at(function, end, window -> {
            List<SyscallStubWriter.Call> calls = calls(programs);
            return new SyscallStubWriter(space.next(), flags(function, call))
                    .exit(calls, number, end, window.insns(), window.back());
        });
    }

    private static List<SyscallStubWriter.Call> calls(List<SyscallProgram> programs) {
        return programs.stream()
                .map(program -> new SyscallStubWriter.Call(program.program().call(), program.only()))
                .toList();
    }
}

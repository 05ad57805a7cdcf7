package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.Stub;
import graft.rewriter.stub.StubWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Plans probes in one module of one process. Writes stubs into a code space and returns the sites that lead to them.
 * Confined to one thread.
 */
public final class ProbePlanner {
    private static final Set<String> TWICE_RETURNING = Set.of(
            "setjmp",
            "_setjmp",
            "sigsetjmp",
            "__sigsetjmp",
            "longjmp",
            "siglongjmp",
            "vfork",
            "__vfork",
            "clone",
            "__clone",
            "clone3",
            "getcontext",
            "setcontext",
            "swapcontext",
            "__cxa_throw",
            "__cxa_rethrow");

    private final ModuleText module;
    private final TargetIndex index;
    private final SiteWriter sites;
    private final CodeSpace space;
    private final Supplier<ReturnRoutines.Addresses> returnRoutines;
    private final Unwinding unwinding;
    private final OverrideRules overrides;
    private final InnerProbes inner;

    /**
     * @param returnRoutines writes the pool's return routines when they are first needed
     */
    public ProbePlanner(
            ModuleText module,
            CodeSpace space,
            Supplier<ReturnRoutines.Addresses> returnRoutines,
            Unwinding unwinding) {
        this.module = module;
        this.index = new TargetIndex(module);
        this.sites = new SiteWriter(module, index, space);
        this.space = space;
        this.returnRoutines = returnRoutines;
        this.unwinding = unwinding;
        this.overrides = new OverrideRules(module, index);
        this.inner = new InnerProbes();
    }

    /**
     * Programs before instructions of a function. A stub that moves one of these instructions for another probe runs them there,
     * for nothing else leads to the instruction; {@link #offset} plans the others. To be told before anything else of the
     * function is planned.
     */
    public void expect(FunctionRange function, Map<RemoteAddress, List<ProgramAtSite>> programs) {
        inner.expect(programs.isEmpty() || directionFlag(function).isPresent() ? Map.of() : programs);
    }

    /**
     * Programs at the entry and at the return of a function; either list may be empty. Returns are seen at each exit
     * where that is proven to be complete, and by wrapping the call otherwise.
     */
    public Planned function(FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn) {
        return inner.settled(entryAndReturn(function, onEntry, onReturn));
    }

    private Planned entryAndReturn(FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn) {
        Optional<Planned> refusal = onEntry.stream().anyMatch(ProbePlanner::mayOverride)
                ? overrides.refusal(function)
                : onReturn.stream()
                        .filter(ProbePlanner::mayOverride)
                        .findFirst()
                        .map(_ -> onlyAtEntries(function, "its return"));
        if (refusal.isPresent()) {
            return refusal.get();
        }
        if (onReturn.isEmpty()) {
            return entrySite(function, onEntry, onReturn).planned();
        }
        ExitSites exits = new ExitSites(index, function);
        return switch (exits.find()) {
            case ExitSites.Search.Found(var windows) -> entryAndExits(function, onEntry, onReturn, windows);
            case ExitSites.Search.None(var why) -> wrapped(function, onEntry, onReturn, why);
        };
    }

    /** Programs before the instruction at {@code address}. Without a site of its own when another one's stub runs them. */
    public Planned offset(FunctionRange function, RemoteAddress address, List<ProgramAtSite> programs) {
        return inner.servedBy(address)
                .<Planned>map(Planned.Inside::new)
                .orElseGet(() -> inner.settled(atOffset(function, address, programs)));
    }

    private Planned atOffset(FunctionRange function, RemoteAddress address, List<ProgramAtSite> programs) {
        Optional<Planned> refusal = directionFlag(function)
                .or(() -> programs.stream()
                        .filter(ProbePlanner::mayOverride)
                        .findFirst()
                        .map(_ -> onlyAtEntries(function, address.toString())));
        return refusal.orElseGet(() -> site(function, address, window -> {
                    List<ProbeCall> calls = calls(programs, ProbeKind.OFFSET);
                    return stub(window, window.insns().subList(1, window.insns().size()))
                            .offset(calls, window.insns(), window.back());
                })
                .planned());
    }

    /** Programs around system calls of a function: all that are wanted there, ascending. */
    public List<SyscallPlanner.Sides> syscalls(FunctionRange function, List<SyscallPlanner.Wanted> calls) {
        ReturnBehindCall returns = new ReturnBehindCall(index, unwinding, returnRoutines);
        return new SyscallPlanner(index, sites, space, function, returns).plan(calls);
    }

    /**
     * A handler of signals that is left at once when {@code decide}, a C function with the handler's arguments, says so by
     * anything but 0.
     */
    public Planned guard(FunctionRange handler, RemoteAddress decide) {
        return entrySite(handler, window -> new StubWriter(space.next()).guard(decide, window.insns(), window.back()))
                .planned();
    }

    private Planned entryAndExits(
            FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn, List<Window> exits) {
        List<PatchSite> patches = new ArrayList<>();
        if (!onEntry.isEmpty()) {
            Site entry = entrySite(function, onEntry, onReturn);
            if (!(entry instanceof Site.Written(var written))) {
                return entry.planned();
            }
            patches.addAll(written);
        }
        for (Window exit : exits) {
            Site site = sites.at(function, exit, window -> exitStub(function, window, onReturn));
            if (!(site instanceof Site.Written(var written))) {
                sites.forget(patches);
                inner.forget();
                String why = "its exit at " + exit.start() + " cannot be patched";
                return wrapped(function, onEntry, onReturn, why);
            }
            patches.addAll(written);
        }
        return new Planned.Patchable(patches);
    }

    private Stub exitStub(FunctionRange function, Window window, List<ProgramAtSite> onReturn) {
        List<X64Insn> beforeRet = window.insns().subList(0, window.insns().size() - 1);
        Code ret = Code.of(window.insns().getLast().bytes());
        boolean flags = givesFlags(function, window.insns().getLast());
        List<ProbeCall> calls = calls(onReturn, flags ? ProbeKind.RETURN_WITH_FLAGS : ProbeKind.RETURN);
        return stub(window, beforeRet).exit(calls, beforeRet, ret);
    }

    private Planned wrapped(
            FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn, String noExits) {
        Optional<String> unsafe = wrapRefusal(function);
        if (unsafe.isPresent()) {
            return new Planned.Refused(
                    Planned.Reason.RETURN_NOT_SAFE,
                    noExits + ", so its return address would have to be replaced; but " + unsafe.get(),
                    "probe the entry only, or an offset inside it");
        }
        return entrySite(function, window -> {
                    List<ProbeCall> entries = calls(onEntry, ProbeKind.ENTRY);
                    List<ProbeCall> returns = calls(onReturn, ProbeKind.RETURN);
                    ReturnRoutines.Addresses routines = returnRoutines.get();
                    return stub(window, window.insns()).wrap(entries, returns, routines, window.insns(), window.back());
                })
                .planned();
    }

    private Optional<String> wrapRefusal(FunctionRange function) {
        if (module.traits().contains(ModuleText.Trait.GO)) {
            return Optional.of("Go moves stacks");
        }
        if (TWICE_RETURNING.contains(function.name()) || function.name().startsWith("_Unwind_")) {
            return Optional.of("this function returns twice, or never, or unwinds");
        }
        if (!function.isNamed()) {
            return Optional.of("it has no name, so it may be one that returns twice");
        }
        if (overrides.popsArguments(function)) {
            return Optional.of("it pops its arguments as it returns, so the return would not find its stack slot");
        }
        if (FlagUse.areTaken(index.beginning(function)) || overrides.givesFlags(function)) {
            return Optional.of("it takes or gives something in the flags");
        }
        return unwinding == Unwinding.POSSIBLE
                ? Optional.of("an unwinder is loaded, which would meet a foreign address on the stack")
                : Optional.empty();
    }

    private boolean givesFlags(FunctionRange function, X64Insn ret) {
        return overrides.givesFlags(function, ret);
    }

    /** {@code onReturn} run there when the function itself does not. */
    private Site entrySite(FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn) {
        Optional<List<X64Insn>> check =
                module.traits().contains(ModuleText.Trait.GO) ? StackCheck.in(index.insns(function)) : Optional.empty();
        if (check.isPresent()) {
            Window window = new Window(check.get(), 0, Window.JUMP_LENGTH);
            return sites.at(function, window, it -> {
                List<ProbeCall> calls = calls(onEntry, ProbeKind.ENTRY);
                return new StubWriter(space.next()).behind(calls, it.insns(), it.back());
            });
        }
        ProbeKind kind = entryKind(function, onEntry);
        return entrySite(function, window -> {
            List<ProbeCall> entries = calls(onEntry, kind);
            List<ProbeCall> returns = onEntry.stream().anyMatch(ProbePlanner::mayOverride)
                    ? calls(onReturn, ProbeKind.RETURN)
                    : List.of();
            StubWriter.FunctionCalls calls = new StubWriter.FunctionCalls(kind, entries, returns);
            return kind == ProbeKind.TESTED_ENTRY
                    ? stub(window, window.insns()).entry(space.active(), calls, window.insns(), window.back())
                    : stub(window, window.insns()).entry(calls, window.insns(), window.back());
        });
    }

    /** A test at the front changes the flags. */
    private ProbeKind entryKind(FunctionRange function, List<ProgramAtSite> onEntry) {
        if (FlagUse.areTaken(index.beginning(function))) {
            return ProbeKind.OFFSET;
        }
        return onEntry.stream().anyMatch(ProgramAtSite::readsFlags) || !StubWriter.canBeTested(onEntry.size())
                ? ProbeKind.ENTRY
                : ProbeKind.TESTED_ENTRY;
    }

    private static boolean mayOverride(ProgramAtSite program) {
        return program.effect() == ProbeCall.Effect.MAY_OVERRIDE;
    }

    private static Planned onlyAtEntries(FunctionRange function, String place) {
        return new Planned.Refused(
                Planned.Reason.OVERRIDE_NOT_SAFE,
                "a program at " + place + " of " + function.name()
                        + " calls bpf_override_return, which works at the entries of functions only",
                "attach it to the function's entry");
    }

    /**
     * A writer for the next free place, with the programs that are expected in front of {@code insns} of the window. Thunks and
     * routines take places too, so they are asked for before.
     */
    private StubWriter stub(Window window, List<X64Insn> insns) {
        Map<RemoteAddress, List<ProbeCall>> calls = inner.callsAt(window.start(), insns);
        return new StubWriter(space.next()).inside(calls);
    }

    private Site entrySite(FunctionRange function, Function<Window, Stub> stub) {
        RemoteAddress address = index.first(function)
                .filter(insn -> insn.kind() == InsnKind.ENDBR64)
                .map(X64Insn::end)
                .orElse(function.start());
        return sites.at(function, address, stub);
    }

    private Site site(FunctionRange function, RemoteAddress address, Function<Window, Stub> stub) {
        boolean boundary =
                index.insns(function).stream().anyMatch(insn -> insn.address().equals(address));
        return boundary
                ? sites.at(function, address, stub)
                : Site.refused(
                        Planned.Reason.NOT_A_BOUNDARY,
                        address + " is not the start of an instruction of " + function.name());
    }

    /** Programs may use string instructions, which need DF clear; it is, but where a function sets it. */
    private Optional<Planned> directionFlag(FunctionRange function) {
        return index.insns(function).stream()
                .filter(insn -> insn.isOneByteOpcode() && insn.opcode() == 0xfd)
                .findFirst()
                .map(std -> new Planned.Refused(
                        Planned.Reason.NOT_MOVABLE,
                        function.name() + " sets the direction flag at " + std.address(),
                        "probe the function's entry"));
    }

    private static List<ProbeCall> calls(List<ProgramAtSite> programs, ProbeKind kind) {
        return programs.stream().map(program -> program.call(kind)).toList();
    }
}

package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.rewriter.PatchSite.Liveness;
import graft.rewriter.PatchSite.Tactic;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.Stub;
import graft.rewriter.stub.StubWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Plans probes in one module of one process. Writes stubs into a code space and returns the sites that lead to them.
 * Confined to one thread.
 */
public final class ProbePlanner {
    /** {@code ret imm16}. */
    private static final int RET_IMM16 = 0xc2;

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
    private final CodeSpace space;
    private final Supplier<ReturnRoutines.Addresses> returnRoutines;
    private final Unwinding unwinding;

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
        this.space = space;
        this.returnRoutines = returnRoutines;
        this.unwinding = unwinding;
    }

    /**
     * Programs at the entry and at the return of a function; either list may be empty. Returns are seen at each exit
     * where that is proven to be complete, and by wrapping the call otherwise.
     */
    public Planned function(FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn) {
        if (onReturn.isEmpty()) {
            return entrySite(function, onEntry).planned();
        }
        ExitSites exits = new ExitSites(index, function);
        return switch (exits.find()) {
            case ExitSites.Search.Found(var windows) -> entryAndExits(function, onEntry, onReturn, windows);
            case ExitSites.Search.None(var why) -> wrapped(function, onEntry, onReturn, why);
        };
    }

    /** Programs before the instruction at {@code address}. */
    public Planned offset(FunctionRange function, RemoteAddress address, List<ProgramAtSite> programs) {
        Optional<Planned> refusal = directionFlag(function);
        return refusal.orElseGet(() -> site(function, address, window -> {
                    List<ProbeCall> calls = calls(programs, ProbeKind.OFFSET);
                    return stub().offset(calls, window.insns(), window.back());
                })
                .planned());
    }

    /** Programs before a {@code syscall} instruction; {@code before} is the instruction right before it. */
    public Planned syscallEnter(FunctionRange function, RemoteAddress before, List<ProgramAtSite> programs) {
        return site(function, before, window -> {
                    List<ProbeCall> calls = calls(programs, ProbeKind.SYSCALL_ENTER);
                    return stub().syscallEnter(calls, window.insns(), window.back());
                })
                .planned();
    }

    /** Programs after a {@code syscall} instruction; {@code after} is the instruction right after it. */
    public Planned syscallExit(FunctionRange function, RemoteAddress after, List<ProgramAtSite> programs) {
        return site(function, after, window -> {
                    List<ProbeCall> calls = calls(programs, ProbeKind.SYSCALL_EXIT);
                    return stub().syscallExit(calls, window.insns(), window.back());
                })
                .planned();
    }

    private Planned entryAndExits(
            FunctionRange function, List<ProgramAtSite> onEntry, List<ProgramAtSite> onReturn, List<Window> exits) {
        List<PatchSite> sites = new ArrayList<>();
        if (!onEntry.isEmpty()) {
            Site entry = entrySite(function, onEntry);
            if (!(entry instanceof Site.Written written)) {
                return entry.planned();
            }
            sites.add(written.site());
        }
        for (Window exit : exits) {
            boolean overlaps = sites.stream()
                    .anyMatch(other -> exit.start().compareTo(other.end()) < 0
                            && other.address().compareTo(exit.patchEnd()) < 0);
            if (overlaps) {
                return wrapped(function, onEntry, onReturn, "its exit overlaps its entry");
            }
            Site site = write(function, exit, window -> exitStub(window, onReturn));
            if (!(site instanceof Site.Written written)) {
                return wrapped(function, onEntry, onReturn, "its exit at " + exit.start() + " cannot be moved");
            }
            sites.add(written.site());
        }
        return new Planned.Patchable(sites);
    }

    private Stub exitStub(Window window, List<ProgramAtSite> onReturn) {
        List<X64Insn> beforeRet = window.insns().subList(0, window.insns().size() - 1);
        Code ret = Code.of(window.insns().getLast().bytes());
        List<ProbeCall> calls = calls(onReturn, ProbeKind.RETURN);
        return stub().exit(calls, beforeRet, ret);
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
                    return stub().wrap(entries, returns, routines, window.insns(), window.back());
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
        if (popsArguments(function)) {
            return Optional.of("it pops its arguments as it returns, so the return would not find its stack slot");
        }
        return unwinding == Unwinding.POSSIBLE
                ? Optional.of("an unwinder is loaded, which would meet a foreign address on the stack")
                : Optional.empty();
    }

    private boolean popsArguments(FunctionRange function) {
        return index.insns(function).stream()
                .anyMatch(insn -> insn.kind() == InsnKind.RET && insn.opcode() == RET_IMM16);
    }

    private Site entrySite(FunctionRange function, List<ProgramAtSite> programs) {
        return entrySite(function, window -> {
            List<ProbeCall> calls = calls(programs, ProbeKind.ENTRY);
            return stub().entry(calls, window.insns(), window.back());
        });
    }

    /** A writer for the next free place. Thunks and routines take places too, so they are asked for before. */
    private StubWriter stub() {
        return new StubWriter(space.next());
    }

    private Site entrySite(FunctionRange function, Function<Window, Stub> stub) {
        RemoteAddress address = index.first(function)
                .filter(insn -> insn.kind() == InsnKind.ENDBR64)
                .map(X64Insn::end)
                .orElse(function.start());
        return siteAtInsn(function, address, stub);
    }

    /** The site of one stub, or why there is none. */
    private sealed interface Site {
        record Written(PatchSite site) implements Site {}

        record Refused(Planned.Refused refusal) implements Site {}

        default Planned planned() {
            return switch (this) {
                case Written(var site) -> new Planned.Patchable(List.of(site));
                case Refused(var refusal) -> refusal;
            };
        }
    }

    private Site site(FunctionRange function, RemoteAddress address, Function<Window, Stub> stub) {
        boolean boundary =
                index.insns(function).stream().anyMatch(insn -> insn.address().equals(address));
        return boundary
                ? siteAtInsn(function, address, stub)
                : refused(
                        Planned.Reason.NOT_A_BOUNDARY,
                        address + " is not the start of an instruction of " + function.name());
    }

    private Site siteAtInsn(FunctionRange function, RemoteAddress address, Function<Window, Stub> stub) {
        List<X64Insn> insns = index.insnsFrom(function, address);
        if (insns.isEmpty()) {
            return refused(Planned.Reason.NOT_DECODED, "the code at " + address + " is not understood");
        }
        return switch (Window.forwardFrom(insns, 0)) {
            case Window.Search.Found(var window) -> write(function, window, stub);
            case Window.Search.None(var reason, var why) -> refused(reason, why);
        };
    }

    private Site write(FunctionRange function, Window window, Function<Window, Stub> stub) {
        List<String> checks = new ArrayList<>();
        if (!window.isSingle() || window.padding() > 0) {
            Optional<String> target = index.targetInside(function, window.start(), window.patchEnd());
            if (target.isPresent()) {
                return refused(Planned.Reason.BRANCH_TARGET, target.get());
            }
            checks.add("no jump lands inside (" + module.text().length + " bytes of " + module.name() + " scanned)");
        } else {
            checks.add("one instruction is replaced: no jump and no thread can be inside");
        }
        return switch (stub.apply(window)) {
            case Stub.Refused(var cause) ->
                refused(
                        Planned.Reason.NOT_MOVABLE,
                        "the instruction at " + cause.insn().address() + " cannot be moved: " + cause.reason());
            case Stub.Written written -> new Site.Written(patch(function, window, written, checks));
        };
    }

    private PatchSite patch(FunctionRange function, Window window, Stub.Written stub, List<String> checks) {
        String symbol = function.name() + "+" + window.start().minus(function.start());
        space.add(stub.address(), stub.code(), "stub of " + symbol);
        X64Assembler jump = new X64Assembler(window.start().value());
        jump.jmp(stub.entry().value());
        int offset = module.offsetOf(window.start());
        byte[] old = Arrays.copyOfRange(module.text(), offset, offset + Window.JUMP_LENGTH);
        List<PatchSite.MovedInsn> moved =
                stub.moved().stream().map(ProbePlanner::movedInsn).toList();
        return new PatchSite(
                window.start(),
                symbol,
                Code.of(old),
                Code.of(jump.finish()),
                moved,
                tactic(window),
                window.isSingle() ? Liveness.NO_INNER_BOUNDARY : Liveness.STOP_REQUIRED,
                checks);
    }

    private static PatchSite.MovedInsn movedInsn(Relocation.Moved moved) {
        Code bytes = Code.of(moved.insn().bytes());
        return new PatchSite.MovedInsn(moved.insn().address(), moved.to(), bytes, bytes.toString());
    }

    private static Tactic tactic(Window window) {
        if (!window.isSingle()) {
            return Tactic.WINDOW;
        }
        return switch (window.insns().getFirst().kind()) {
            case NOP -> Tactic.PADDING_NOP;
            case JMP_REL -> Tactic.RETARGET;
            default -> Tactic.SINGLE_INSN;
        };
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

    private static Site refused(Planned.Reason reason, String why) {
        return new Site.Refused(
                new Planned.Refused(reason, why, "probe another place: graft plan shows what is possible"));
    }

    private static List<ProbeCall> calls(List<ProgramAtSite> programs, ProbeKind kind) {
        return programs.stream().map(program -> program.call(kind)).toList();
    }
}

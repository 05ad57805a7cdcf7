package graft.daemon.image;

import graft.daemon.LinkRequest;
import graft.daemon.SessionRefusal;
import graft.ebpf.helper.Helper;
import graft.platform.address.RemoteAddress;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.ModuleText;
import graft.rewriter.plan.SyscallPlace;
import graft.rewriter.stub.StubWriter;
import graft.uprobe.AttachPoint;
import graft.uprobe.TargetModule;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Everything that a session wants in one function of one target. */
final class FunctionProbes {
    /** A window of five bytes has no more instructions. */
    static final int MAX_DISPLACED = 5;

    private static final int CALL_SITES = 3;

    private final TargetModule module;
    private final FunctionRange range;
    private boolean onlyByPattern = true;
    private final List<Wanted> onEntry = new ArrayList<>();
    private final List<Wanted> onReturn = new ArrayList<>();
    private final Map<RemoteAddress, List<Wanted>> atOffset = new TreeMap<>();
    private final Map<RemoteAddress, SyscallProbes> atSyscall = new TreeMap<>();

    /**
     * A program at a place.
     *
     * @param ip what {@code bpf_get_func_ip} returns there
     */
    record Wanted(CheckedProgram program, long ip, long cookie) {}

    FunctionProbes(TargetModule module, FunctionRange range) {
        this.module = module;
        this.range = range;
    }

    /** Why a program is here, and the cookie that it gets here. */
    record Link(LinkRequest.Uprobe request, long cookie) {}

    void add(AttachPoint point, CheckedProgram program, Link link) {
        onlyByPattern &= link.request().probe().isPattern();
        Wanted wanted = new Wanted(program, point.address().value(), link.cookie());
        switch (point.kind()) {
            case ENTRY -> onEntry.add(wanted);
            case RETURN -> onReturn.add(wanted);
            case OFFSET, STATIC, LINE ->
                atOffset.computeIfAbsent(point.address(), _ -> new ArrayList<>())
                        .add(wanted);
        }
    }

    /** Whether a pattern leads here, but no link that names just this function. */
    boolean isOnlyByPattern() {
        return onlyByPattern;
    }

    /** The programs around a system call. */
    SyscallProbes at(SyscallPlace call) {
        onlyByPattern = false;
        return atSyscall.computeIfAbsent(call.address(), _ -> new SyscallProbes(call));
    }

    TargetModule module() {
        return module;
    }

    FunctionRange range() {
        return range;
    }

    List<Wanted> onEntry() {
        return List.copyOf(onEntry);
    }

    List<Wanted> onReturn() {
        return List.copyOf(onReturn);
    }

    Map<RemoteAddress, List<Wanted>> atOffset() {
        return Collections.unmodifiableMap(atOffset);
    }

    List<SyscallProbes> atSyscall() {
        return List.copyOf(atSyscall.values());
    }

    /** A program that writes registers which it may not change where it runs, if there is one. */
    Optional<SessionRefusal.SiteRefused> changesElsewhere(int pid, List<CheckedProgram> tailPrograms) {
        return changes(onEntry, tailPrograms, ProgramChanges::areMoreThanArguments)
                .map(program -> refused(
                        pid,
                        program + " writes registers that are no arguments",
                        "write rdi, rsi, rdx, rcx, r8 and r9 only, or probe an instruction inside"))
                .or(() -> changes(onReturn, tailPrograms, ProgramChanges::areMoreThanTheResult)
                        .map(program ->
                                refused(pid, program + " writes more than the result at a return", "write rax only")));
    }

    private static Optional<String> changes(
            List<Wanted> programs, List<CheckedProgram> tailPrograms, Predicate<ProgramChanges> tooMuch) {
        return programs.stream()
                .map(Wanted::program)
                .filter(program -> tooMuch.test(ProgramChanges.of(program, tailPrograms)))
                .map(program -> program.spec().name())
                .findFirst();
    }

    private SessionRefusal.SiteRefused refused(int pid, String why, String suggestion) {
        return new SessionRefusal.SiteRefused(pid, module.fileName() + ":" + range.name(), why, suggestion);
    }

    /**
     * No stubs of this function take more.
     *
     * @param text the module's text, which tells how many exits there may be
     */
    long maxStubBytes(ModuleText text) {
        long exits = onReturn.isEmpty() ? 0 : text.maxReturns(range);
        long entry = maxStubBytes(onEntry, onReturn.size());
        return entry + exits * StubWriter.maxBytes(onReturn.size(), MAX_DISPLACED) + others();
    }

    private long others() {
        return atOffset.values().stream()
                        .mapToLong(programs -> maxStubBytes(programs, 0))
                        .sum()
                + atSyscall.values().stream()
                        .mapToLong(SyscallProbes::maxStubBytes)
                        .sum();
    }

    /** Programs that may leave the function are called in two places, and so are those behind them. */
    private static long maxStubBytes(List<Wanted> programs, int others) {
        boolean leaves = programs.stream()
                .map(wanted -> wanted.program().facts().helpers())
                .anyMatch(helpers -> helpers.contains(Helper.OVERRIDE_RETURN) || helpers.contains(Helper.TAIL_CALL));
        int calls = (leaves ? CALL_SITES : 1) * (programs.size() + others);
        return StubWriter.maxBytes(calls, MAX_DISPLACED) + StubWriter.MAX_ROOM_BYTES;
    }
}

package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.InsnShape;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The functions of a module as a planner sees them: their instructions, the padding behind them, and which of their
 * bytes may be jumped to from anywhere in the module. Keeps what it found out about the last function only. Not
 * thread-safe.
 */
final class TargetIndex {
    private static final int MAX_PADDING = 16;
    private static final int ENDBR64_LENGTH = 4;
    private static final int BEGINNING = 48;

    private final ModuleText module;
    private final BranchTargets targets;
    private Optional<Known> last = Optional.empty();

    /** What was found out about one function. */
    private static final class Known {
        private final FunctionRange function;
        private final Outline outline;
        private Optional<List<X64Insn>> insns = Optional.empty();
        private Optional<List<X64Insn>> padding = Optional.empty();
        private Optional<FunctionJumps> jumps = Optional.empty();

        Known(FunctionRange function, Outline outline) {
            this.function = function;
            this.outline = outline;
        }
    }

    /**
     * @param end first byte that is not understood; at or behind the function's end when all are
     * @param indirectJumps whether there are any
     */
    private record Outline(RemoteAddress end, boolean indirectJumps) {}

    TargetIndex(ModuleText module) {
        this.module = module;
        this.targets = new BranchTargets(module);
    }

    /** The function's instructions from its start, as far as they are understood. */
    List<X64Insn> insns(FunctionRange function) {
        Known known = known(function);
        if (known.insns.isEmpty()) {
            known.insns = Optional.of(decode(function.start(), function.end()));
        }
        return known.insns.get();
    }

    /** The function's instructions and the padding behind them. */
    List<X64Insn> insnsAndPadding(FunctionRange function) {
        List<X64Insn> all = new ArrayList<>(insns(function));
        all.addAll(padding(function));
        return all;
    }

    /** The instructions that a patch at {@code from} can reach, padding included. */
    List<X64Insn> insnsFrom(FunctionRange function, RemoteAddress from) {
        RemoteAddress enough = from.plus(Window.JUMP_LENGTH);
        List<X64Insn> near = decode(from, min(function.end(), enough));
        if (enough.compareTo(function.end()) > 0) {
            near.addAll(padding(function));
        }
        return near;
    }

    /** The function's first few instructions, as far as they are understood. */
    List<X64Insn> beginning(FunctionRange function) {
        return decode(function.start(), min(function.end(), function.start().plus(BEGINNING)));
    }

    /** The function's first instruction, if it is understood. */
    Optional<X64Insn> first(FunctionRange function) {
        return decode(function.start()) instanceof X64Insn insn ? Optional.of(insn) : Optional.empty();
    }

    /** An indirect jump that may leave the function. */
    Optional<RemoteAddress> indirectExit(FunctionRange function) {
        return jumps(function).leaves();
    }

    /** Whether a jump to {@code target}, outside the function, only leads to cold code that belongs to it. */
    boolean comesBack(FunctionRange function, RemoteAddress target) {
        return ColdPart.comesBack(module, function, target);
    }

    /** A place in {@code (from, to)} that may be jumped to, or the reason why that is not known. */
    Optional<String> targetInside(FunctionRange function, RemoteAddress from, RemoteAddress to) {
        return targetInside(function, from, to, isPartOfAnother(function) ? Tables.ALL : Tables.OWN);
    }

    /** The same for code that may belong to several functions. */
    Optional<String> targetInsideAny(FunctionRange span, RemoteAddress from, RemoteAddress to) {
        return targetInside(span, from, to, Tables.ALL);
    }

    /** Whose jump tables may lead into a function. */
    private enum Tables {
        OWN,
        ALL
    }

    private Optional<String> targetInside(FunctionRange function, RemoteAddress from, RemoteAddress to, Tables tables) {
        Optional<String> unknown = unknown(function).or(() -> jumps(function).unknown());
        if (unknown.isPresent()) {
            return unknown;
        }
        // A landing pad needs the frame that the prologue makes, so it never lies in the prologue.
        if (from.minus(function.start()) > ENDBR64_LENGTH
                && module.traits().contains(ModuleText.Trait.UNREAD_LANDING_PADS)) {
            return Optional.of("the module has exception tables that are not understood");
        }
        int first = module.offsetOf(from) + 1;
        int end = module.offsetOf(to);
        OptionalInt found = switch (tables) {
            case OWN -> targets.first(first, end);
            case ALL -> targets.firstInPart(first, end);
        };
        return found.isPresent()
                ? Optional.of("a branch may land at " + module.start().plus(found.getAsInt()))
                : Optional.empty();
    }

    /** The code from each known function to the next, where it overlaps {@code [from, to]}. */
    List<FunctionRange> spans(RemoteAddress from, RemoteAddress to) {
        List<RemoteAddress> starts = module.functions();
        int found = Collections.binarySearch(starts, from);
        List<FunctionRange> spans = new ArrayList<>();
        for (int at = Math.max(0, found >= 0 ? found : -found - 2); at < starts.size(); at++) {
            RemoteAddress start = starts.get(at);
            RemoteAddress end = at + 1 < starts.size() ? starts.get(at + 1) : module.end();
            if (start.compareTo(to) > 0) {
                break;
            }
            if (targets.isText(start) && end.compareTo(start) > 0) {
                spans.add(new FunctionRange(
                        "the code at " + start, start, min(end, module.end()).minus(start)));
            }
        }
        return spans;
    }

    /** Whether something is known to jump to a place, or points there. */
    Optional<String> branchTo(RemoteAddress place) {
        int offset = module.offsetOf(place);
        return targets.first(offset, offset + 1).isPresent()
                ? Optional.of("a branch may land at " + place)
                : Optional.empty();
    }

    /** Bytes that nothing reaches: {@code [start, end)}. */
    record Gap(RemoteAddress start, RemoteAddress end) {}

    /** Padding within {@code [from, to)} behind code that never falls through, up to a place that is jumped to. */
    List<Gap> deadPadding(RemoteAddress from, RemoteAddress to) {
        if (unknownModule().isPresent()) {
            return List.of();
        }
        List<Gap> gaps = new ArrayList<>();
        targets.deadPadding(
                module.offsetOf(from),
                module.offsetOf(to),
                (start, end) -> gaps.add(
                        new Gap(module.start().plus(start), module.start().plus(end))));
        return gaps;
    }

    /** Whether the tables of another function may lead into this one. */
    private static boolean isPartOfAnother(FunctionRange function) {
        return function.name().contains(".cold") || function.name().contains(".part");
    }

    private Known known(FunctionRange function) {
        if (last.isEmpty() || !last.get().function.equals(function)) {
            last = Optional.of(new Known(function, outline(function)));
        }
        return last.get();
    }

    private Outline outline(FunctionRange function) {
        byte[] text = module.text();
        int at = module.offsetOf(function.start());
        int end = (int) Math.min(text.length, at + function.size());
        boolean indirectJumps = false;
        while (at >= 0 && at < end) {
            long shape = X64Decoder.shape(text, at, text.length);
            if (InsnShape.length(shape) == 0) {
                break;
            }
            indirectJumps |= InsnShape.kind(shape) == InsnKind.JMP_INDIRECT;
            at += InsnShape.length(shape);
        }
        return new Outline(module.start().plus(at), indirectJumps);
    }

    private FunctionJumps jumps(FunctionRange function) {
        Known known = known(function);
        if (known.jumps.isEmpty()) {
            known.jumps = Optional.of(known.outline.indirectJumps() ? findJumps(function) : FunctionJumps.NONE);
        }
        return known.jumps.get();
    }

    private FunctionJumps findJumps(FunctionRange function) {
        targets.prepare(module.offsetOf(function.start()), module.offsetOf(function.end()));
        return FunctionJumps.find(function, insns(function), targets);
    }

    private List<X64Insn> padding(FunctionRange function) {
        Known known = known(function);
        if (known.padding.isEmpty()) {
            boolean whole = known.outline.end().equals(function.end());
            known.padding = Optional.of(whole ? paddingFrom(function.end()) : List.of());
        }
        return known.padding.get();
    }

    private List<X64Insn> paddingFrom(RemoteAddress end) {
        int found = Collections.binarySearch(module.functions(), end);
        int next = found >= 0 ? found : -found - 1;
        RemoteAddress limit = end.plus(MAX_PADDING);
        if (next < module.functions().size()) {
            limit = min(limit, module.functions().get(next));
        }
        List<X64Insn> padding = new ArrayList<>();
        for (X64Insn insn : decode(end, limit)) {
            boolean unreached = insn.kind() == InsnKind.NOP || insn.kind() == InsnKind.INT3;
            if (!unreached || insn.end().compareTo(limit) > 0) {
                break;
            }
            padding.add(insn);
        }
        return padding;
    }

    /** Whether code of the module may go on where no thread is. */
    boolean hasGoroutines() {
        return module.traits().contains(ModuleText.Trait.GO);
    }

    /** A place in {@code (from, to)} where a goroutine that does not run now may go on: it is not found to be moved. */
    Optional<String> preemptionInside(FunctionRange function, RemoteAddress from, RemoteAddress to) {
        if (!Goroutines.mayBePreemptedIn(module, function)) {
            return Optional.empty();
        }
        List<X64Insn> insns = insns(function);
        if (Goroutines.isAssembly(insns)) {
            return Optional.empty();
        }
        Optional<RemoteAddress> behindComparison =
                StackCheck.in(insns).map(check -> check.getLast().address());
        return insns.stream()
                .map(X64Insn::address)
                .filter(at -> at.compareTo(from) > 0 && at.compareTo(to) < 0)
                .filter(at -> behindComparison.filter(at::equals).isEmpty())
                .findFirst()
                .map(at -> "a goroutine that was preempted may go on at " + at);
    }

    private Optional<String> unknownModule() {
        if (module.traits().contains(ModuleText.Trait.RESTARTABLE_SEQUENCES)) {
            return Optional.of("the module has restartable sequences, whose abort points are not known");
        }
        if (module.traits().contains(ModuleText.Trait.NO_SECTIONS)) {
            return Optional.of("the module has no section headers, so what points into its code is not known");
        }
        return Optional.empty();
    }

    private Optional<String> unknown(FunctionRange function) {
        Optional<String> module = unknownModule();
        if (module.isPresent()) {
            return module;
        }
        RemoteAddress understood = known(function).outline.end();
        return understood.compareTo(function.end()) >= 0
                ? Optional.empty()
                : Optional.of("the function's code is not understood from " + understood + " on");
    }

    private List<X64Insn> decode(RemoteAddress from, RemoteAddress to) {
        List<X64Insn> insns = new ArrayList<>();
        RemoteAddress at = from;
        while (at.compareTo(to) < 0 && decode(at) instanceof X64Insn insn) {
            insns.add(insn);
            at = insn.end();
        }
        return insns;
    }

    private Decoding decode(RemoteAddress at) {
        return targets.isText(at)
                ? X64Decoder.decode(module.text(), module.offsetOf(at), at)
                : new Decoding.Refused(Decoding.Reason.TRUNCATED);
    }

    private static RemoteAddress min(RemoteAddress a, RemoteAddress b) {
        return a.compareTo(b) <= 0 ? a : b;
    }
}

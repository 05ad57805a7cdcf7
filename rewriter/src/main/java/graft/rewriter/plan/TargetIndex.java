package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which bytes of some functions may be jumped to from anywhere in their module. Errs on the side of "may": far branches
 * are found by looking at every byte position, so none is missed and a few are invented; short branches by decoding the
 * neighbourhood; further the function's jump tables, other functions' starts, and everything that data points to.
 */
final class TargetIndex {
    private static final int SHORT_REACH = 130;
    private static final int MAX_PADDING = 16;
    private static final int ENDBR64_LENGTH = 4;

    private final ModuleText module;
    private final List<Entry> entries = new ArrayList<>();
    private final List<FunctionJumps> jumps = new ArrayList<>();
    private final Map<Span, Branches> branches = new HashMap<>();
    private final long[] starts;
    private final long highest;

    private record Span(RemoteAddress from, RemoteAddress to) {}

    /** Where a span's branches go, and up to where it was understood. */
    private record Branches(List<RemoteAddress> targets, RemoteAddress understood) {}

    /**
     * @param insns of the function, as far as they are understood
     * @param padding instructions right behind it that nothing is known to reach
     */
    private record Entry(FunctionRange function, BitSet targets, List<X64Insn> insns, List<X64Insn> padding) {}

    TargetIndex(ModuleText module, List<FunctionRange> functions) {
        this.module = module;
        List<FunctionRange> ordered = new ArrayList<>(functions);
        ordered.sort(java.util.Comparator.comparing(FunctionRange::start));
        for (FunctionRange function : ordered) {
            entries.add(analyse(function));
        }
        this.starts =
                ordered.stream().mapToLong(function -> function.start().value()).toArray();
        this.highest =
                entries.isEmpty() ? 0 : entries.getLast().function().end().value() + SHORT_REACH;
        branches.clear();
        scanText();
        for (Entry entry : entries) {
            jumps.add(FunctionJumps.find(module, entry.function(), entry.insns(), entry.targets()));
        }
    }

    /** The function's instructions from its start, as far as they are understood. */
    List<X64Insn> insns(FunctionRange function) {
        return entry(function).insns();
    }

    /** The function's instructions and the padding behind them. */
    List<X64Insn> insnsAndPadding(FunctionRange function) {
        Entry entry = entry(function);
        List<X64Insn> all = new ArrayList<>(entry.insns());
        all.addAll(entry.padding());
        return all;
    }

    /** An indirect jump that may leave the function. */
    Optional<RemoteAddress> indirectExit(FunctionRange function) {
        return jumps.get(position(function)).leaves();
    }

    /** Whether a jump to {@code target}, outside the function, only leads to cold code that belongs to it. */
    boolean comesBack(FunctionRange function, RemoteAddress target) {
        return ColdPart.comesBack(module, function, target);
    }

    /** A place in {@code (from, to)} that may be jumped to, or the reason why that is not known. */
    Optional<String> targetInside(FunctionRange function, RemoteAddress from, RemoteAddress to) {
        Entry entry = entry(function);
        Optional<String> unknown =
                unknown(entry).or(() -> jumps.get(position(function)).unknown());
        if (unknown.isPresent()) {
            return unknown;
        }
        long offset = from.minus(function.start());
        // A landing pad needs the frame that the prologue makes, so it never lies in the prologue.
        if (offset > ENDBR64_LENGTH && module.traits().contains(ModuleText.Trait.UNREAD_LANDING_PADS)) {
            return Optional.of("the module has exception tables that are not understood");
        }
        int first = (int) offset + 1;
        int found = entry.targets().nextSetBit(first);
        int end = (int) to.minus(function.start());
        return found >= 0 && found < end
                ? Optional.of("a branch may land at " + function.start().plus(found))
                : Optional.empty();
    }

    private Entry entry(FunctionRange function) {
        return entries.get(position(function));
    }

    private int position(FunctionRange function) {
        int at = Arrays.binarySearch(starts, function.start().value());
        if (at < 0) {
            throw new IllegalArgumentException(function.name() + " was not indexed");
        }
        return at;
    }

    private Entry analyse(FunctionRange function) {
        // Padding behind the function may be overwritten too, so its bytes are part of the set.
        BitSet targets = new BitSet((int) function.size() + SHORT_REACH);
        List<X64Insn> insns = decode(function.start(), function.end());
        markNeighbourhood(function, targets);
        markKnown(function, targets, module.functions());
        markKnown(function, targets, module.pointed());
        return new Entry(function, targets, insns, padding(function, insns));
    }

    private List<X64Insn> padding(FunctionRange function, List<X64Insn> insns) {
        boolean whole = !insns.isEmpty() && insns.getLast().end().equals(function.end());
        if (!whole) {
            return List.of();
        }
        int found = Collections.binarySearch(module.functions(), function.end());
        int next = found >= 0 ? found : -found - 1;
        RemoteAddress limit = function.end().plus(MAX_PADDING);
        if (next < module.functions().size()) {
            limit = min(limit, module.functions().get(next));
        }
        List<X64Insn> padding = new ArrayList<>();
        for (X64Insn insn : decode(function.end(), limit)) {
            boolean unreached = insn.kind() == InsnKind.NOP || insn.kind() == InsnKind.INT3;
            if (!unreached || insn.end().compareTo(limit) > 0) {
                break;
            }
            padding.add(insn);
        }
        return padding;
    }

    private Optional<String> unknown(Entry entry) {
        if (module.traits().contains(ModuleText.Trait.RESTARTABLE_SEQUENCES)) {
            return Optional.of("the module has restartable sequences, whose abort points are not known");
        }
        if (module.traits().contains(ModuleText.Trait.NO_SECTIONS)) {
            return Optional.of("the module has no section headers, so what points into its code is not known");
        }
        if (entry.function().name().contains(".cold")) {
            return Optional.of("the function is a part of another one, whose tables may lead into it");
        }
        List<X64Insn> insns = entry.insns();
        RemoteAddress end = entry.function().end();
        boolean complete = !insns.isEmpty() && insns.getLast().end().compareTo(end) >= 0;
        return complete
                ? Optional.empty()
                : Optional.of("the function's code is not understood from "
                        + (insns.isEmpty()
                                ? entry.function().start()
                                : insns.getLast().end()) + " on");
    }

    private List<X64Insn> decode(RemoteAddress from, RemoteAddress to) {
        List<X64Insn> insns = new ArrayList<>();
        RemoteAddress at = from;
        while (at.compareTo(to) < 0 && at.compareTo(module.end()) < 0) {
            Decoding decoding = X64Decoder.decode(module.text(), module.offsetOf(at), at);
            if (!(decoding instanceof X64Insn insn)) {
                return insns;
            }
            insns.add(insn);
            at = insn.end();
        }
        return insns;
    }

    private void markNeighbourhood(FunctionRange function, BitSet targets) {
        RemoteAddress low = max(module.start(), function.start().plus(-SHORT_REACH));
        RemoteAddress high = min(module.end(), function.end().plus(2L * SHORT_REACH));
        int first = Collections.binarySearch(module.functions(), low);
        int index = first >= 0 ? first : Math.max(0, -first - 2);
        RemoteAddress at =
                module.functions().isEmpty() ? low : module.functions().get(index);
        while (at.compareTo(high) < 0) {
            index++;
            RemoteAddress next =
                    index < module.functions().size() ? module.functions().get(index) : high;
            RemoteAddress stop = min(next, high);
            Branches branches = branches(max(at, module.start()), stop);
            branches.targets().forEach(target -> mark(function, targets, target));
            markShortBranchesAnywhere(function, targets, branches.understood(), stop);
            at = next;
        }
    }

    /** Neighbours are looked at for several functions. */
    private Branches branches(RemoteAddress from, RemoteAddress to) {
        return branches.computeIfAbsent(new Span(from, to), span -> {
            List<X64Insn> insns = decode(span.from(), span.to());
            List<RemoteAddress> found =
                    insns.stream().flatMap(insn -> insn.branchTarget().stream()).toList();
            return new Branches(
                    found, insns.isEmpty() ? span.from() : insns.getLast().end());
        });
    }

    /** Where decoding failed, every two bytes that would be a short branch count as one. */
    private void markShortBranchesAnywhere(
            FunctionRange function, BitSet targets, RemoteAddress from, RemoteAddress to) {
        for (RemoteAddress at = from; at.compareTo(to.plus(-1)) < 0; at = at.plus(1)) {
            int offset = module.offsetOf(at);
            int opcode = module.text()[offset] & 0xff;
            boolean branch = (opcode & 0xf0) == 0x70 || opcode == 0xeb || (opcode & 0xfc) == 0xe0;
            if (branch) {
                mark(function, targets, at.plus(2 + module.text()[offset + 1]));
            }
        }
    }

    private static void markKnown(FunctionRange function, BitSet targets, List<RemoteAddress> known) {
        int found = Collections.binarySearch(known, function.start());
        int index = found >= 0 ? found : -found - 1;
        while (index < known.size() && known.get(index).compareTo(function.end().plus(SHORT_REACH)) < 0) {
            mark(function, targets, known.get(index));
            index++;
        }
    }

    private static void mark(FunctionRange function, BitSet targets, RemoteAddress target) {
        long offset = target.minus(function.start());
        if (offset >= 0 && offset < function.size() + SHORT_REACH) {
            targets.set((int) offset);
        }
    }

    /**
     * At every byte position: {@code call}, {@code jmp} and {@code jcc} with 32-bit displacements, {@code lea} of a
     * place in the text, and, in a module for a fixed address, four bytes that are an address.
     */
    private void scanText() {
        if (entries.isEmpty()) {
            return;
        }
        byte[] text = module.text();
        boolean fixed = module.traits().contains(ModuleText.Trait.FIXED_ADDRESS);
        long base = module.start().value();
        for (int at = 0; at + 6 <= text.length; at++) {
            int opcode = text[at] & 0xff;
            if ((opcode & 0xfe) == 0xe8) {
                markRelative(base, text, at + 1);
            } else if (opcode == 0x0f && (text[at + 1] & 0xf0) == 0x80
                    || opcode == 0x8d && (text[at + 1] & 0xc7) == 5) {
                markRelative(base, text, at + 2);
            }
            if (fixed) {
                markFar(displacement(text, at) & 0xffffffffL);
            }
        }
        if (text.length >= 5 && (text[text.length - 5] & 0xfe) == 0xe8) {
            markRelative(base, text, text.length - 4);
        }
    }

    private void markRelative(long base, byte[] text, int displacementAt) {
        markFar(base + displacementAt + 4 + displacement(text, displacementAt));
    }

    private void markFar(long target) {
        if (target < starts[0] || target >= highest) {
            return;
        }
        int found = Arrays.binarySearch(starts, target);
        int index = found >= 0 ? found : -found - 2;
        if (index >= 0) {
            mark(entries.get(index).function(), entries.get(index).targets(), new RemoteAddress(target));
        }
    }

    private static int displacement(byte[] text, int at) {
        return text[at] & 0xff | (text[at + 1] & 0xff) << 8 | (text[at + 2] & 0xff) << 16 | text[at + 3] << 24;
    }

    private static RemoteAddress min(RemoteAddress a, RemoteAddress b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    private static RemoteAddress max(RemoteAddress a, RemoteAddress b) {
        return a.compareTo(b) >= 0 ? a : b;
    }
}

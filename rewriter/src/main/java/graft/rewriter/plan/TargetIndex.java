package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Which bytes of some functions may be jumped to from anywhere in their module. Errs on the side of "may": far branches
 * are found by looking at every byte position, so none is missed and a few are invented; short branches by decoding the
 * neighbourhood; further the function's jump tables, other functions' starts, and everything that data points to.
 */
final class TargetIndex {
    private static final int SHORT_REACH = 130;
    private static final int MAX_TABLE = 4096;
    private static final int ENDBR64_LENGTH = 4;

    private final ModuleText module;
    private final List<Entry> entries = new ArrayList<>();
    private final long[] starts;

    private record Entry(FunctionRange function, BitSet targets, List<X64Insn> insns, Optional<String> unknown) {}

    TargetIndex(ModuleText module, List<FunctionRange> functions) {
        this.module = module;
        List<FunctionRange> ordered = new ArrayList<>(functions);
        ordered.sort(java.util.Comparator.comparing(FunctionRange::start));
        for (FunctionRange function : ordered) {
            entries.add(analyse(function));
        }
        this.starts =
                ordered.stream().mapToLong(function -> function.start().value()).toArray();
        scanFarBranches();
    }

    /** The function's instructions from its start, as far as they are understood. */
    List<X64Insn> insns(FunctionRange function) {
        return entry(function).insns();
    }

    /** A place in {@code (from, to)} that may be jumped to, or the reason why that is not known. */
    Optional<String> targetInside(FunctionRange function, RemoteAddress from, RemoteAddress to) {
        Entry entry = entry(function);
        if (entry.unknown().isPresent()) {
            return entry.unknown();
        }
        long offset = from.minus(function.start());
        // A landing pad needs the frame that the prologue makes, so it never lies in the prologue.
        if (offset > ENDBR64_LENGTH && module.traits().contains(ModuleText.Trait.LANDING_PADS)) {
            return Optional.of("the module has exception tables, whose landing pads are not read");
        }
        int first = (int) offset + 1;
        int found = entry.targets().nextSetBit(first);
        int end = (int) to.minus(function.start());
        return found >= 0 && found < end
                ? Optional.of("a branch may land at " + function.start().plus(found))
                : Optional.empty();
    }

    private Entry entry(FunctionRange function) {
        int at = Arrays.binarySearch(starts, function.start().value());
        if (at < 0) {
            throw new IllegalArgumentException(function.name() + " was not indexed");
        }
        return entries.get(at);
    }

    private Entry analyse(FunctionRange function) {
        // Padding behind the function may be overwritten too, so its bytes are part of the set.
        BitSet targets = new BitSet((int) function.size() + SHORT_REACH);
        List<X64Insn> insns = decode(function.start(), function.end());
        markNeighbourhood(function, targets);
        markKnown(function, targets, module.functions());
        markKnown(function, targets, module.pointed());
        return new Entry(function, targets, insns, unknown(function, insns, targets));
    }

    private Optional<String> unknown(FunctionRange function, List<X64Insn> insns, BitSet targets) {
        if (module.traits().contains(ModuleText.Trait.RESTARTABLE_SEQUENCES)) {
            return Optional.of("the module has restartable sequences, whose abort points are not known");
        }
        boolean complete = !insns.isEmpty() && insns.getLast().end().compareTo(function.end()) >= 0;
        if (!complete) {
            return Optional.of("the function's code is not understood from "
                    + (insns.isEmpty() ? function.start() : insns.getLast().end()) + " on");
        }
        long indirect = insns.stream()
                .filter(insn -> insn.kind() == InsnKind.JMP_INDIRECT)
                .count();
        return indirect > markJumpTables(function, insns, targets)
                ? Optional.of("the function has an indirect jump whose targets are not known")
                : Optional.empty();
    }

    /**
     * A jump through a pointer in memory without an index is a call that was turned into a jump: switches index their
     * table, or load from it into a register first.
     */
    private static boolean mayBeSwitch(X64Insn insn) {
        if (insn.kind() != InsnKind.JMP_INDIRECT) {
            return false;
        }
        int modrm = insn.modrm().orElse(0);
        boolean register = modrm >> 6 == 3;
        boolean indexed = (modrm & 7) == 4;
        return register || indexed;
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
            List<X64Insn> insns = decode(max(at, module.start()), stop);
            insns.forEach(insn -> insn.branchTarget().ifPresent(target -> mark(function, targets, target)));
            RemoteAddress understood = insns.isEmpty() ? at : insns.getLast().end();
            markShortBranchesAnywhere(function, targets, understood, stop);
            at = next;
        }
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

    /**
     * Marks the targets of tables of 32-bit distances, the form compilers use in position-independent code; returns the
     * number of tables found. A table's address is loaded by a rip-relative {@code lea} in the function.
     */
    private int markJumpTables(FunctionRange function, List<X64Insn> insns, BitSet targets) {
        int tables = 0;
        for (X64Insn insn : insns) {
            boolean lea = insn.isOneByteOpcode() && insn.opcode() == 0x8d && insn.isRipRelative();
            if (lea && markTable(function, insn.ripTarget().orElseThrow(), targets) > 0) {
                tables++;
            }
        }
        return tables;
    }

    private int markTable(FunctionRange function, RemoteAddress table, BitSet targets) {
        ByteBuffer entries =
                ByteBuffer.wrap(module.data().read(table, 4 * MAX_TABLE)).order(ByteOrder.LITTLE_ENDIAN);
        int count = 0;
        while (entries.remaining() >= 4) {
            RemoteAddress target = table.plus(entries.getInt());
            if (!function.contains(target)) {
                break;
            }
            mark(function, targets, target);
            count++;
        }
        return count;
    }

    private static void mark(FunctionRange function, BitSet targets, RemoteAddress target) {
        long offset = target.minus(function.start());
        if (offset >= 0 && offset < function.size() + SHORT_REACH) {
            targets.set((int) offset);
        }
    }

    /** {@code call}, {@code jmp} and {@code jcc} with 32-bit displacements, at every byte position. */
    private void scanFarBranches() {
        if (entries.isEmpty()) {
            return;
        }
        byte[] text = module.text();
        long base = module.start().value();
        long lowest = starts[0];
        long highest = entries.getLast().function().end().value() + SHORT_REACH;
        for (int at = 0; at + 5 <= text.length; at++) {
            int opcode = text[at] & 0xff;
            boolean jump = (opcode & 0xfe) == 0xe8;
            boolean conditional = opcode == 0x0f && (text[at + 1] & 0xf0) == 0x80 && at + 6 <= text.length;
            if (jump || conditional) {
                int displacementAt = conditional ? at + 2 : at + 1;
                long target = base + displacementAt + 4 + displacement(text, displacementAt);
                if (target >= lowest && target < highest) {
                    markFar(target);
                }
            }
        }
    }

    private void markFar(long target) {
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

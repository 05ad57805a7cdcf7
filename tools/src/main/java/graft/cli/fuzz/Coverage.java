package graft.cli.fuzz;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnKind;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/** How often each kind of instruction was in a program, and with which pairs of registers. */
public final class Coverage {
    private static final int REGISTERS = Reg.values().length;

    private final Map<String, Long> counts = new HashMap<>();
    private final Map<String, BitSet> pairs = new HashMap<>();

    Coverage() {}

    /** A kind and its number. */
    public record Count(String kind, long count) {}

    void add(InsnList insns) {
        for (Insn insn : insns.insns()) {
            String kind = InsnKind.of(insn);
            counts.merge(kind, 1L, Long::sum);
            pair(insn, pairs.computeIfAbsent(kind, _ -> new BitSet()));
        }
    }

    private static void pair(Insn insn, BitSet seen) {
        switch (insn) {
            case Insn.Alu(var _, var _, Reg dst, Operand.Src(Reg src)) -> pair(dst, src, seen);
            case Insn.MoveSigned(var _, var _, Reg dst, Reg src) -> pair(dst, src, seen);
            case Insn.Load(var _, var _, Reg dst, Reg base, var _) -> pair(dst, base, seen);
            case Insn.Store(var _, Reg base, var _, Operand.Src(Reg src)) -> pair(base, src, seen);
            case Insn.Atomic(var _, var _, var _, Reg base, var _, Reg src) -> pair(base, src, seen);
            case Insn.LoadAcquire(var _, Reg dst, Reg base, var _) -> pair(dst, base, seen);
            case Insn.StoreRelease(var _, Reg base, var _, Reg src) -> pair(base, src, seen);
            case Insn.Branch(var _, var _, Reg dst, Operand.Src(Reg src), var _) -> pair(dst, src, seen);
            default -> {} // names no two registers
        }
    }

    private static void pair(Reg one, Reg other, BitSet seen) {
        seen.set(one.number() * REGISTERS + other.number());
    }

    /** Kinds that are in the instruction set and in no program. */
    public TreeSet<String> missing() {
        TreeSet<String> missing = new TreeSet<>(InsnKind.ALL);
        missing.removeAll(counts.keySet());
        return missing;
    }

    /** Kinds that are in a program. */
    public int kinds() {
        return counts.size();
    }

    /** All instructions. */
    public long instructions() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The kind that is there least often. */
    public Count rarest() {
        return counts.entrySet().stream()
                .map(entry -> new Count(entry.getKey(), entry.getValue()))
                .min(Comparator.comparingLong(Count::count).thenComparing(Count::kind))
                .orElse(new Count("nothing", 0));
    }

    /** Of the kinds that name two registers, the one with the fewest different pairs; its count is that of the pairs. */
    public Count fewestPairs() {
        return pairs.entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .map(entry -> new Count(entry.getKey(), entry.getValue().cardinality()))
                .min(Comparator.comparingLong(Count::count).thenComparing(Count::kind))
                .orElse(new Count("nothing", 0));
    }
}

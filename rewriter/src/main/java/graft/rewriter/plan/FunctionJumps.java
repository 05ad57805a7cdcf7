package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.plan.IndirectJumps.Destination;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The indirect jumps of one function: which places they may reach, and whether one may leave the function. Code pointers
 * are found elsewhere, where they are made; here it is about tables of 32-bit distances.
 *
 * @param unknown why a jump's targets are not known
 * @param leaves an indirect jump that may be a way out of the function
 */
record FunctionJumps(Optional<String> unknown, Optional<RemoteAddress> leaves) {
    private static final FunctionJumps NONE = new FunctionJumps(Optional.empty(), Optional.empty());
    private static final int MAX_ENTRIES = 4096;
    private static final int LEA = 0x8d;

    /** A table of distances, and the register that its address was loaded into. */
    private record Table(RemoteAddress start, int register) {}

    /** Finds them, and marks in {@code targets} the offsets in the function that tables lead to. */
    static FunctionJumps find(ModuleText module, FunctionRange function, List<X64Insn> insns, BitSet targets) {
        boolean any = insns.stream().anyMatch(insn -> insn.kind() == InsnKind.JMP_INDIRECT);
        return any ? new Search(module, function, insns, targets).run() : NONE;
    }

    /** One search. */
    private record Search(ModuleText module, FunctionRange function, List<X64Insn> insns, BitSet targets) {
        FunctionJumps run() {
            if (takesOwnAddress()) {
                return unknown(firstIndirect());
            }
            List<Table> tables = tables();
            // Tables first: what they reach decides where paths meet.
            tables.forEach(table -> read(table, OptionalInt.empty()));
            IndirectJumps jumps = new IndirectJumps(insns, this::isTarget);
            Optional<RemoteAddress> leaves = Optional.empty();
            for (int i = 0; i < insns.size(); i++) {
                X64Insn insn = insns.get(i);
                if (insn.kind() != InsnKind.JMP_INDIRECT) {
                    continue;
                }
                boolean leaving = true;
                switch (tables.isEmpty() ? new Destination.Pointer() : jumps.of(i)) {
                    case Destination.Pointer() -> {
                        // A tail call, or a computed goto: a way out as far as is known.
                    }
                    case Destination.Table(var bases, var entries) -> {
                        List<Table> used = used(tables, bases);
                        if (used.isEmpty()) {
                            return unknown(insn);
                        }
                        leaving = !used.stream().allMatch(table -> read(table, entries));
                    }
                    case Destination.Unknown() -> {
                        return unknown(insn);
                    }
                }
                if (leaving && leaves.isEmpty()) {
                    leaves = Optional.of(insn.address());
                }
            }
            return new FunctionJumps(Optional.empty(), leaves);
        }

        private X64Insn firstIndirect() {
            return insns.stream()
                    .filter(insn -> insn.kind() == InsnKind.JMP_INDIRECT)
                    .findFirst()
                    .orElseThrow();
        }

        private static FunctionJumps unknown(X64Insn insn) {
            return new FunctionJumps(
                    Optional.of(
                            "the function has an indirect jump at " + insn.address() + " whose targets are not known"),
                    Optional.of(insn.address()));
        }

        private static List<Table> used(List<Table> tables, List<Integer> bases) {
            return tables.stream()
                    .filter(table -> bases.contains(table.register()))
                    .toList();
        }

        private boolean isTarget(X64Insn insn) {
            return targets.get((int) insn.address().minus(function.start()));
        }

        /** A table's address is loaded by a rip-relative {@code lea}; its first entry leads to code. */
        private List<Table> tables() {
            List<Table> tables = new ArrayList<>();
            for (X64Insn insn : insns) {
                if (isAddressLoad(insn)) {
                    RemoteAddress start = insn.ripTarget().orElseThrow();
                    ByteBuffer first = entries(start, 1);
                    if (first.remaining() >= Integer.BYTES && isCode(start.plus(first.getInt()))) {
                        tables.add(new Table(start, insn.registerField().orElseThrow()));
                    }
                }
            }
            return tables;
        }

        /**
         * Distances may also be from a label of the function, as GCC's computed goto allows. What the code then jumps
         * to may be made anywhere in it.
         */
        private boolean takesOwnAddress() {
            return insns.stream()
                    .filter(Search::isAddressLoad)
                    .map(insn -> insn.ripTarget().orElseThrow())
                    .anyMatch(place -> function.contains(place) && !place.equals(function.start()));
        }

        private static boolean isAddressLoad(X64Insn insn) {
            return insn.isOneByteOpcode() && insn.opcode() == LEA && insn.isRipRelative();
        }

        /**
         * Marks what a table leads to. Without a known number of entries everything up to the first one that does not
         * lead to code is read, which may be too much.
         *
         * @return whether all entries are known and lead into the function
         */
        private boolean read(Table table, OptionalInt known) {
            ByteBuffer entries = entries(table.start(), known.orElse(MAX_ENTRIES));
            boolean inside = known.isPresent() && entries.remaining() == known.getAsInt() * Integer.BYTES;
            while (entries.remaining() >= Integer.BYTES) {
                RemoteAddress place = table.start().plus(entries.getInt());
                if (!isCode(place)) {
                    return false;
                }
                if (function.contains(place)) {
                    targets.set((int) place.minus(function.start()));
                } else {
                    inside = false;
                }
            }
            return inside;
        }

        private boolean isCode(RemoteAddress place) {
            return place.compareTo(module.start()) >= 0 && place.compareTo(module.end()) < 0;
        }

        private ByteBuffer entries(RemoteAddress start, int count) {
            return ByteBuffer.wrap(module.data().read(start, Integer.BYTES * count))
                    .order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}

package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.plan.IndirectJumps.Destination;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The indirect jumps of one function: which places they may reach, and whether one may leave the function. Code pointers
 * are found elsewhere, where they are made; here it is about tables of 32-bit distances.
 *
 * <p>A distance is added to an address that the code loaded. When that is a table's, all tables whose address the function
 * loads are read, so a jump need not be understood to know where it may lead. Only distances from places inside the
 * function are different: the table says nothing about what they are added to.
 *
 * @param unknown why a jump's targets are not known
 * @param leaves an indirect jump that may be a way out of the function
 */
record FunctionJumps(Optional<String> unknown, Optional<RemoteAddress> leaves) {
    static final FunctionJumps NONE = new FunctionJumps(Optional.empty(), Optional.empty());
    private static final int LEA = 0x8d;

    /** A table of distances, and the register that its address was loaded into. */
    private record Table(RemoteAddress start, int register) {}

    /** Finds them, and marks in {@code targets} what tables lead to. */
    static FunctionJumps find(FunctionRange function, List<X64Insn> insns, BranchTargets targets) {
        boolean any = insns.stream().anyMatch(insn -> insn.kind() == InsnKind.JMP_INDIRECT);
        return any ? new Search(function, insns, targets).run() : NONE;
    }

    /** One search. */
    private record Search(FunctionRange function, List<X64Insn> insns, BranchTargets targets) {
        FunctionJumps run() {
            if (takesOwnAddress()) {
                return unknown(firstIndirect());
            }
            List<Table> tables = tables();
            // Tables first: what they reach decides where paths meet.
            tables.forEach(table -> targets.markTable(table.start(), function));
            IndirectJumps jumps = new IndirectJumps(insns, this::isTarget);
            for (int i = 0; i < insns.size(); i++) {
                X64Insn insn = insns.get(i);
                if (insn.kind() == InsnKind.JMP_INDIRECT && (tables.isEmpty() || !staysInside(jumps.of(i), tables))) {
                    return new FunctionJumps(Optional.empty(), Optional.of(insn.address()));
                }
            }
            return NONE;
        }

        /** Whether a jump is through a table that is known to lead into the function only. */
        private boolean staysInside(Destination destination, List<Table> tables) {
            return switch (destination) {
                // A tail call, or a computed goto: a way out as far as is known.
                case Destination.Pointer(), Destination.Unknown() -> false;
                case Destination.Table(var bases, var entries) -> {
                    List<Table> used = tables.stream()
                            .filter(table -> bases.contains(table.register()))
                            .toList();
                    yield !used.isEmpty() && used.stream().allMatch(table -> leadsInside(table, entries));
                }
            };
        }

        private boolean leadsInside(Table table, OptionalInt known) {
            if (known.isEmpty()) {
                return false;
            }
            ByteBuffer entries = targets.entries(table.start(), known.getAsInt());
            boolean whole = entries.remaining() == known.getAsInt() * Integer.BYTES;
            while (whole && entries.hasRemaining()) {
                whole = function.contains(table.start().plus(entries.getInt()));
            }
            return whole;
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

        private boolean isTarget(X64Insn insn) {
            return targets.isMarked(insn.address());
        }

        /** A table's address is loaded by a rip-relative {@code lea}; its first entry leads to code. */
        private List<Table> tables() {
            List<Table> tables = new ArrayList<>();
            for (X64Insn insn : insns) {
                if (isAddressLoad(insn)) {
                    RemoteAddress start = insn.ripTarget().orElseThrow();
                    if (targets.isTable(start)) {
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
    }
}

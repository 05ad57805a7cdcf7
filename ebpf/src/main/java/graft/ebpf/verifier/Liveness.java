package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;

/**
 * Which registers may still be read, by slot: the others need not match when states are compared. Computed backwards over
 * each function; a bit per register.
 */
final class Liveness {
    private static final int ARGUMENTS = 0b111110;
    private static final int CALL_CLOBBERS = 0b111111;
    private static final int FRAME_POINTER = 1 << 10;

    private final int[] liveBefore;

    private Liveness(int slots) {
        this.liveBefore = new int[slots];
    }

    static Liveness of(InsnList insns, FlowGraph graph) {
        Liveness liveness = new Liveness(insns.slots());
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int slot = insns.slots() - 1; slot >= 0; slot--) {
                if (insns.startsAt(slot)) {
                    changed |= liveness.update(slot, insns.at(slot), graph);
                }
            }
        }
        return liveness;
    }

    /** Whether {@code reg} may be read at or after {@code slot} before it is written. */
    boolean isLive(int slot, int reg) {
        return (liveBefore[slot] & 1 << reg) != 0;
    }

    private boolean update(int slot, Insn insn, FlowGraph graph) {
        int live = 0;
        for (int successor : graph.successors(slot)) {
            live |= liveBefore[successor];
        }
        live = live & ~written(insn) | read(insn) | FRAME_POINTER;
        boolean changed = live != liveBefore[slot];
        liveBefore[slot] = live;
        return changed;
    }

    private static int bit(Reg reg) {
        return 1 << reg.number();
    }

    private static int bit(Operand operand) {
        return switch (operand) {
            case Operand.Src(var reg) -> bit(reg);
            case Operand.Imm _ -> 0;
        };
    }

    private static int written(Insn insn) {
        return switch (insn) {
            case Insn.Alu alu -> bit(alu.dst());
            case Insn.Neg neg -> bit(neg.dst());
            case Insn.MoveSigned move -> bit(move.dst());
            case Insn.CastAddress cast -> bit(cast.dst());
            case Insn.Swap swap -> bit(swap.dst());
            case Insn.LoadWide wide -> bit(wide.dst());
            case Insn.Load load -> bit(load.dst());
            case Insn.LoadAcquire load -> bit(load.dst());
            case Insn.Atomic atomic -> fetched(atomic);
            case Insn.CallHelper _, Insn.CallLocal _, Insn.CallKernelFunction _ -> CALL_CLOBBERS;
            case Insn.Store _,
                    Insn.StoreRelease _,
                    Insn.Jump _,
                    Insn.Branch _,
                    Insn.MayGoto _,
                    Insn.Exit _,
                    Insn.Poison _ -> 0;
        };
    }

    private static int fetched(Insn.Atomic atomic) {
        if (atomic.op() == AtomicOp.CMPXCHG) {
            return bit(Reg.R0);
        }
        return atomic.op() == AtomicOp.XCHG || atomic.fetch() == Fetch.OLD_VALUE ? bit(atomic.src()) : 0;
    }

    private static int read(Insn insn) {
        return switch (insn) {
            case Insn.Alu alu -> bit(alu.src()) | (alu.op() == AluOp.MOV ? 0 : bit(alu.dst()));
            case Insn.Neg neg -> bit(neg.dst());
            case Insn.MoveSigned move -> bit(move.src());
            case Insn.CastAddress cast -> bit(cast.src());
            case Insn.Swap swap -> bit(swap.dst());
            case Insn.Load load -> bit(load.base());
            case Insn.LoadAcquire load -> bit(load.base());
            case Insn.Store store -> bit(store.base()) | bit(store.value());
            case Insn.StoreRelease store -> bit(store.base()) | bit(store.src());
            case Insn.Atomic atomic ->
                bit(atomic.base()) | bit(atomic.src()) | (atomic.op() == AtomicOp.CMPXCHG ? bit(Reg.R0) : 0);
            case Insn.Branch branch -> bit(branch.dst()) | bit(branch.src());
            case Insn.CallHelper call -> arguments(call);
            case Insn.CallLocal _, Insn.CallKernelFunction _ -> ARGUMENTS;
            case Insn.Exit _ -> bit(Reg.R0);
            case Insn.LoadWide _, Insn.Jump _, Insn.MayGoto _, Insn.Poison _ -> 0;
        };
    }

    private static int arguments(Insn.CallHelper call) {
        return Prototype.of(call.helper())
                .map(prototype -> ((1 << prototype.arguments().size()) - 1) << 1)
                .orElse(ARGUMENTS);
    }
}

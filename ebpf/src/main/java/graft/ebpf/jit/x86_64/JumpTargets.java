package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import java.util.BitSet;

/** Slots that some jump leads to: code before them tells nothing about the state there. */
final class JumpTargets {
    private JumpTargets() {}

    static BitSet of(InsnList insns) {
        BitSet targets = new BitSet(insns.slots());
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot)) {
                mark(insns.at(slot), slot + 1, targets);
            }
        }
        return targets;
    }

    private static void mark(Insn insn, int next, BitSet targets) {
        switch (insn) {
            case Insn.Jump(int distance) -> targets.set(next + distance);
            case Insn.Branch branch -> targets.set(next + branch.distance());
            case Insn.MayGoto(short distance) -> targets.set(next + distance);
            case Insn.CallLocal(int distance) -> targets.set(next + distance);
            default -> {} // nothing else jumps
        }
    }
}

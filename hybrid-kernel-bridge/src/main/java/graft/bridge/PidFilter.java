package graft.bridge;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Instructions in front of a program that end it in all but some processes: a tracepoint fires in every process of the
 * machine. Jumps and calls behind it are relative, so they stay as they are; only addresses of functions move.
 */
final class PidFilter {
    private static final int GET_CURRENT_PID_TGID = 14;

    private PidFilter() {}

    /** {@code program} behind the filter; the program itself when {@code pids} is empty, which means every process. */
    static InsnList inFrontOf(InsnList program, Set<Integer> pids) {
        List<Insn> filter = filter(pids);
        int slots = filter.size();
        List<Insn> all = new ArrayList<>(filter);
        for (Insn insn : program.insns()) {
            all.add(
                    insn instanceof Insn.LoadWide(var dst, Wide.Function(var slot))
                            ? new Insn.LoadWide(dst, new Wide.Function(slot + slots))
                            : insn);
        }
        return InsnList.of(all);
    }

    /** How many slots the filter takes. */
    static int slots(Set<Integer> pids) {
        return filter(pids).size();
    }

    private static List<Insn> filter(Set<Integer> pids) {
        List<Insn> filter = new ArrayList<>();
        if (pids.isEmpty()) {
            return filter;
        }
        filter.add(move(Reg.R6, new Operand.Src(Reg.R1)));
        filter.add(new Insn.CallHelper(GET_CURRENT_PID_TGID));
        filter.add(new Insn.Alu(AluOp.RSH, Width.W64, Reg.R0, new Operand.Imm(32)));
        int left = pids.size();
        for (int pid : pids) {
            left--;
            filter.add(new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(pid), (short) (left + 2)));
        }
        filter.add(move(Reg.R0, new Operand.Imm(0)));
        filter.add(new Insn.Exit());
        filter.add(move(Reg.R1, new Operand.Src(Reg.R6)));
        return filter;
    }

    private static Insn move(Reg dst, Operand src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, src);
    }
}

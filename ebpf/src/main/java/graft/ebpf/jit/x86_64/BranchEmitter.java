package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.X64Assembler;

/** Jumps within a function. */
final class BranchEmitter {
    /** How often {@code may_goto} continues in one run of a function. */
    static final int LOOP_BUDGET = 8 << 20;

    private final Emission emission;
    private final X64Assembler asm;
    private final Layout layout;

    BranchEmitter(Emission emission, Layout layout) {
        this.emission = emission;
        this.asm = emission.asm();
        this.layout = layout;
    }

    void jump(int slot, int target) {
        if (target != slot + 1) {
            asm.jmp(layout.label(target), layout.reach(slot, target));
        }
    }

    void branch(int slot, Insn.Branch insn) {
        compare(insn);
        int target = slot + 1 + insn.distance();
        asm.jcc(condition(insn.op()), layout.label(target), layout.reach(slot, target));
    }

    /** Sets the loop budget at the function's entry. */
    void startBudget() {
        if (emission.frame().budget() != 0) {
            asm.mov(OpSize.D, budget(), LOOP_BUDGET);
        }
    }

    void mayGoto(int slot, Insn.MayGoto insn) {
        int target = slot + 1 + insn.distance();
        asm.op(Arith.SUB, OpSize.D, budget(), 1);
        asm.jcc(Cond.S, layout.label(target), layout.reach(slot, target));
    }

    private Address budget() {
        return Address.at(Gpr.RSP, emission.frame().top() + emission.frame().budget());
    }

    private void compare(Insn.Branch insn) {
        OpSize size = Emission.size(insn.width());
        Gpr left = emission.src(insn.dst());
        switch (insn.src()) {
            case Operand.Imm(int value) when insn.op() == JumpOp.JSET -> asm.test(size, left, value);
            case Operand.Imm(int value) when value == 0 -> asm.test(size, left, left);
            case Operand.Imm(int value) -> asm.op(Arith.CMP, size, left, value);
            case Operand.Src(Reg reg) when insn.op() == JumpOp.JSET -> asm.test(size, left, emission.src(reg));
            case Operand.Src(Reg reg) -> asm.op(Arith.CMP, size, left, emission.src(reg));
        }
    }

    private static Cond condition(JumpOp op) {
        return switch (op) {
            case JEQ -> Cond.E;
            case JNE, JSET -> Cond.NE;
            case JGT -> Cond.A;
            case JGE -> Cond.AE;
            case JLT -> Cond.B;
            case JLE -> Cond.BE;
            case JSGT -> Cond.G;
            case JSGE -> Cond.GE;
            case JSLT -> Cond.L;
            case JSLE -> Cond.LE;
        };
    }
}

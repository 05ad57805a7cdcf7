package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.ByteOrder;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;

/** Arithmetic. A 32-bit machine operation zeroes the upper half by itself, as the program expects. */
final class AluEmitter {
    private final Emission emission;
    private final X64Assembler asm;
    private final DivisionEmitter division;

    AluEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
        this.division = new DivisionEmitter(emission);
    }

    void alu(Insn.Alu insn) {
        switch (insn.op()) {
            case ADD -> arith(Arith.ADD, insn);
            case SUB -> arith(Arith.SUB, insn);
            case OR -> arith(Arith.OR, insn);
            case AND -> arith(Arith.AND, insn);
            case XOR -> arith(Arith.XOR, insn);
            case MOV -> mov(insn);
            case MUL -> mul(insn);
            case LSH -> shift(Shift.SHL, insn);
            case RSH -> shift(Shift.SHR, insn);
            case ARSH -> shift(Shift.SAR, insn);
            case DIV, MOD, SDIV, SMOD -> division.divide(insn);
        }
    }

    void neg(Insn.Neg insn) {
        asm.op(Unary.NEG, Emission.size(insn.width()), emission.dst(insn.dst()));
    }

    void moveSigned(Insn.MoveSigned insn) {
        OpSize from = switch (insn.bits()) {
            case 8 -> OpSize.B;
            case 16 -> OpSize.W;
            default -> OpSize.D;
        };
        asm.movsx(from, Emission.size(insn.width()), emission.dst(insn.dst()), emission.src(insn.src()));
    }

    void swap(Insn.Swap insn) {
        Gpr dst = emission.dst(insn.dst());
        boolean reverse = insn.order() != ByteOrder.TO_LE;
        switch (insn.bits()) {
            case 16 -> {
                if (reverse) {
                    asm.op(Shift.ROR, OpSize.W, dst, 8);
                }
                asm.movzx(OpSize.W, dst, dst);
            }
            case 32 -> {
                if (reverse) {
                    asm.bswap(OpSize.D, dst);
                } else {
                    zeroExtend(dst);
                }
            }
            default -> {
                if (reverse) {
                    asm.bswap(OpSize.Q, dst);
                }
            }
        }
    }

    /** {@code dst <<= 32; dst >>= 32}. */
    void zeroExtendLow(Reg dst) {
        zeroExtend(emission.dst(dst));
    }

    /** {@code dst <<= 32; dst s>>= 32}. */
    void signExtendLow(Reg dst) {
        Gpr gpr = emission.dst(dst);
        asm.movsx(OpSize.D, OpSize.Q, gpr, gpr);
    }

    /** {@code dst = base; dst += offset}. */
    void addressOf(Reg dst, Reg base, int offset) {
        asm.lea(OpSize.Q, emission.dst(dst), emission.address(base, offset));
    }

    private void zeroExtend(Gpr gpr) {
        asm.mov(OpSize.D, gpr, gpr);
    }

    private void arith(Arith op, Insn.Alu insn) {
        OpSize size = Emission.size(insn.width());
        Gpr dst = emission.dst(insn.dst());
        switch (insn.src()) {
            case Operand.Imm(int value) -> asm.op(op, size, dst, value);
            case Operand.Src(Reg reg) -> asm.op(op, size, dst, emission.src(reg));
        }
    }

    private void mov(Insn.Alu insn) {
        OpSize size = Emission.size(insn.width());
        Gpr dst = emission.dst(insn.dst());
        switch (insn.src()) {
            case Operand.Imm(int value) when value == 0 -> asm.op(Arith.XOR, OpSize.D, dst, dst);
            case Operand.Imm(int value) -> emission.moveTo(dst, size, new Operand.Imm(value));
            case Operand.Src(Reg reg)
            when reg == Reg.R10 -> {
                asm.lea(OpSize.Q, dst, emission.address(reg, 0));
                if (insn.width() == Width.W32) {
                    zeroExtend(dst);
                }
            }
            case Operand.Src(Reg reg) when reg == insn.dst() && insn.width() == Width.W64 -> {}
            case Operand.Src(Reg reg) -> asm.mov(size, dst, emission.src(reg));
        }
    }

    private void mul(Insn.Alu insn) {
        OpSize size = Emission.size(insn.width());
        Gpr dst = emission.dst(insn.dst());
        switch (insn.src()) {
            case Operand.Imm(int value) -> asm.imul(size, dst, dst, value);
            case Operand.Src(Reg reg) -> asm.imul(size, dst, emission.src(reg));
        }
    }

    private void shift(Shift op, Insn.Alu insn) {
        OpSize size = Emission.size(insn.width());
        Gpr dst = emission.dst(insn.dst());
        switch (insn.src()) {
            case Operand.Imm(int value) -> {
                int count = value & (size.bytes() * 8 - 1);
                if (count != 0) {
                    asm.op(op, size, dst, count);
                } else if (size == OpSize.D) {
                    zeroExtend(dst);
                }
            }
            case Operand.Src(Reg reg) -> shiftByRegister(op, size, dst, emission.src(reg));
        }
    }

    /** The count must be in cl, which is a register of the program. */
    private void shiftByRegister(Shift op, OpSize size, Gpr dst, Gpr count) {
        if (dst == Gpr.RCX) {
            Gpr value = emission.registers().use(RegisterMap.VALUE);
            asm.mov(size, value, dst);
            if (count != Gpr.RCX) {
                asm.mov(OpSize.D, Gpr.RCX, count);
            }
            asm.opByCl(op, size, value);
            asm.mov(size, Gpr.RCX, value);
        } else if (count == Gpr.RCX) {
            asm.opByCl(op, size, dst);
        } else {
            Gpr saved = emission.registers().use(RegisterMap.SAVED);
            asm.mov(OpSize.Q, saved, Gpr.RCX);
            asm.mov(OpSize.D, Gpr.RCX, count);
            asm.opByCl(op, size, dst);
            asm.mov(OpSize.Q, Gpr.RCX, saved);
        }
    }
}

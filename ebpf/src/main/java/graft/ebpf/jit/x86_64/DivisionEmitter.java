package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Operand;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;

/**
 * Division and modulo. The machine divides rdx:rax and faults where the program gets a defined result: by zero
 * (quotient 0, remainder the dividend) and the smallest number by -1 (quotient itself, remainder 0).
 */
final class DivisionEmitter {
    private final Emission emission;
    private final X64Assembler asm;

    DivisionEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    void divide(Insn.Alu insn) {
        OpSize size = Emission.size(insn.width());
        Gpr dst = emission.dst(insn.dst());
        switch (insn.src()) {
            case Operand.Imm(int value) when value == 0 -> byZero(insn.op(), size, dst);
            case Operand.Imm(int value)
            when isPowerOfTwo(value) && !isSigned(insn.op()) -> byPowerOfTwo(insn.op(), size, dst, value);
            case Operand.Imm(int value) when value == -1 && isSigned(insn.op()) -> byMinusOne(insn.op(), size, dst);
            case Operand.Imm imm -> {
                emission.moveTo(RegisterMap.SCRATCH, size, imm);
                machineDivision(insn.op(), size, dst);
            }
            case Operand.Src src -> {
                emission.moveTo(RegisterMap.SCRATCH, size, src);
                checked(insn.op(), size, dst);
            }
        }
    }

    private static boolean isSigned(AluOp op) {
        return op == AluOp.SDIV || op == AluOp.SMOD;
    }

    private static boolean isQuotient(AluOp op) {
        return op == AluOp.SDIV || op == AluOp.DIV;
    }

    private static boolean isPowerOfTwo(int value) {
        return value > 0 && Integer.bitCount(value) == 1;
    }

    private void checked(AluOp op, OpSize size, Gpr dst) {
        Label zero = new Label("divisor zero");
        Label minusOne = new Label("divisor -1");
        Label done = new Label("divided");
        asm.test(size, RegisterMap.SCRATCH, RegisterMap.SCRATCH);
        asm.jcc(Cond.E, zero, Reach.SHORT);
        if (isSigned(op)) {
            asm.op(Arith.CMP, size, RegisterMap.SCRATCH, -1);
            asm.jcc(Cond.E, minusOne, Reach.SHORT);
        }
        machineDivision(op, size, dst);
        asm.jmp(done, Reach.SHORT);
        if (isSigned(op)) {
            asm.bind(minusOne);
            byMinusOne(op, size, dst);
            asm.jmp(done, Reach.SHORT);
        }
        asm.bind(zero);
        byZero(op, size, dst);
        asm.bind(done);
    }

    /** Divides by the scratch register, which is neither 0 nor, when signed, -1. Keeps rax and rdx but for the result. */
    private void machineDivision(AluOp op, OpSize size, Gpr dst) {
        Gpr result = isQuotient(op) ? Gpr.RAX : Gpr.RDX;
        if (dst != Gpr.RDX) {
            asm.mov(OpSize.Q, emission.registers().use(RegisterMap.VALUE), Gpr.RDX);
        }
        if (dst != Gpr.RAX) {
            asm.mov(OpSize.Q, emission.registers().use(RegisterMap.SAVED), Gpr.RAX);
            asm.mov(size, Gpr.RAX, dst);
        }
        if (isSigned(op)) {
            asm.plain(size == OpSize.Q ? Plain.CQO : Plain.CDQ);
            asm.op(Unary.IDIV, size, RegisterMap.SCRATCH);
        } else {
            unsigned(size);
        }
        if (dst != result) {
            asm.mov(size, RegisterMap.SCRATCH, result);
        }
        if (dst != Gpr.RDX) {
            asm.mov(OpSize.Q, Gpr.RDX, RegisterMap.VALUE);
        }
        if (dst != Gpr.RAX) {
            asm.mov(OpSize.Q, Gpr.RAX, RegisterMap.SAVED);
        }
        if (dst != result) {
            asm.mov(size, dst, RegisterMap.SCRATCH);
        }
    }

    /** A 64-bit division is several times slower than a 32-bit one on many machines, and mostly not needed. */
    private void unsigned(OpSize size) {
        if (size == OpSize.D) {
            asm.op(Arith.XOR, OpSize.D, Gpr.RDX, Gpr.RDX);
            asm.op(Unary.DIV, OpSize.D, RegisterMap.SCRATCH);
            return;
        }
        Label narrow = new Label("narrow division");
        Label divided = new Label("wide division done");
        asm.mov(OpSize.Q, Gpr.RDX, Gpr.RAX);
        asm.op(Arith.OR, OpSize.Q, Gpr.RDX, RegisterMap.SCRATCH);
        asm.op(Shift.SHR, OpSize.Q, Gpr.RDX, 32);
        asm.jcc(Cond.E, narrow, Reach.SHORT);
        asm.op(Arith.XOR, OpSize.D, Gpr.RDX, Gpr.RDX);
        asm.op(Unary.DIV, OpSize.Q, RegisterMap.SCRATCH);
        asm.jmp(divided, Reach.SHORT);
        asm.bind(narrow);
        asm.op(Unary.DIV, OpSize.D, RegisterMap.SCRATCH);
        asm.bind(divided);
    }

    private void byZero(AluOp op, OpSize size, Gpr dst) {
        if (isQuotient(op)) {
            asm.op(Arith.XOR, OpSize.D, dst, dst);
        } else if (size == OpSize.D) {
            asm.mov(OpSize.D, dst, dst);
        }
    }

    private void byMinusOne(AluOp op, OpSize size, Gpr dst) {
        if (isQuotient(op)) {
            asm.op(Unary.NEG, size, dst);
        } else {
            asm.op(Arith.XOR, OpSize.D, dst, dst);
        }
    }

    private void byPowerOfTwo(AluOp op, OpSize size, Gpr dst, int divisor) {
        int bits = Integer.numberOfTrailingZeros(divisor);
        if (op == AluOp.MOD) {
            asm.op(Arith.AND, size, dst, divisor - 1);
        } else if (bits != 0) {
            asm.op(Shift.SHR, size, dst, bits);
        } else if (size == OpSize.D) {
            asm.mov(OpSize.D, dst, dst);
        }
    }
}

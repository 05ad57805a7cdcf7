package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.AluOp;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
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
import java.util.Optional;

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

    /** One division: registers of result and dividend, and how wide. */
    private record Division(AluOp op, OpSize size, Gpr dst, Gpr left) {
        boolean isSigned() {
            return op == AluOp.SDIV || op == AluOp.SMOD;
        }

        boolean isQuotient() {
            return op == AluOp.SDIV || op == AluOp.DIV;
        }

        boolean dividendIsOverwritten() {
            return left == Gpr.RAX || left == Gpr.RDX;
        }
    }

    void divide(Op.Binary op) {
        Gpr left = emission.of(op.left());
        Division division = new Division(op.op(), Emission.size(op.width()), emission.of(op.dst()), left);
        switch (op.right()) {
            case Value.Constant(long value) -> byConstant(division, (int) value);
            case Var var -> {
                asm.mov(division.size(), emission.use(Registers.SCRATCH), emission.of(var));
                checked(division);
            }
            case Value.Symbol _, Value.FrameAddress _ -> throw new AssertionError("division by an address: " + op);
        }
    }

    private void byConstant(Division division, int value) {
        if (value == 0) {
            byZero(division);
        } else if (value == -1 && division.isSigned()) {
            byMinusOne(division);
        } else if (!division.isSigned() && value > 0 && Integer.bitCount(value) == 1) {
            byPowerOfTwo(division, value);
        } else if (division.isSigned() || value < 0 || !byMultiplication(division, value)) {
            asm.mov(emission.use(Registers.SCRATCH), division.size() == OpSize.D ? value & 0xffff_ffffL : value);
            machineDivision(division);
        }
    }

    /** A multiplication by the inverse, where one of the operand's width is exact. */
    private boolean byMultiplication(Division division, int divisor) {
        int bits = division.size() == OpSize.Q ? 64 : 32;
        Optional<Inverse> inverse = Inverse.of(divisor, bits);
        if (inverse.isEmpty() || !division.isQuotient() && division.dividendIsOverwritten()) {
            return false;
        }
        Gpr quotient = emission.use(Registers.SECOND);
        asm.mov(emission.use(Registers.SCRATCH), inverse.get().multiplier());
        if (bits == 32) {
            asm.mov(OpSize.D, quotient, division.left());
            asm.imul(OpSize.Q, quotient, Registers.SCRATCH);
            asm.op(Shift.SHR, OpSize.Q, quotient, 32 + inverse.get().shift());
        } else {
            highProduct(division);
            if (inverse.get().shift() != 0) {
                asm.op(Shift.SHR, OpSize.Q, quotient, inverse.get().shift());
            }
        }
        if (division.isQuotient()) {
            asm.mov(OpSize.Q, division.dst(), quotient);
            return true;
        }
        asm.imul(division.size(), quotient, quotient, divisor);
        if (division.dst() == division.left()) {
            asm.op(Arith.SUB, division.size(), division.dst(), quotient);
        } else {
            asm.op(Unary.NEG, division.size(), quotient);
            asm.op(Arith.ADD, division.size(), quotient, division.left());
            asm.mov(division.size(), division.dst(), quotient);
        }
        return true;
    }

    /** The upper half of dividend times first scratch register, in the second one. */
    private void highProduct(Division division) {
        boolean keepRax = emission.isLive(Gpr.RAX, division.dst());
        boolean keepRdx = emission.isLive(Gpr.RDX, division.dst());
        if (keepRax) {
            asm.mov(OpSize.Q, emission.use(Registers.SECOND), Gpr.RAX);
        }
        if (keepRdx) {
            asm.mov(OpSize.Q, emission.use(Registers.THIRD), Gpr.RDX);
        }
        emission.move(OpSize.Q, emission.use(Gpr.RAX), division.left());
        emission.use(Gpr.RDX);
        asm.op(Unary.MUL, OpSize.Q, Registers.SCRATCH);
        if (keepRax) {
            asm.mov(OpSize.Q, Gpr.RAX, Registers.SECOND);
        }
        asm.mov(OpSize.Q, Registers.SECOND, Gpr.RDX);
        if (keepRdx) {
            asm.mov(OpSize.Q, Gpr.RDX, Registers.THIRD);
        }
    }

    private void checked(Division division) {
        Label zero = new Label("divisor zero");
        Label minusOne = new Label("divisor -1");
        Label done = new Label("divided");
        asm.test(division.size(), Registers.SCRATCH, Registers.SCRATCH);
        asm.jcc(Cond.E, zero, Reach.SHORT);
        if (division.isSigned()) {
            asm.op(Arith.CMP, division.size(), Registers.SCRATCH, -1);
            asm.jcc(Cond.E, minusOne, Reach.SHORT);
        }
        machineDivision(division);
        asm.jmp(done, Reach.SHORT);
        if (division.isSigned()) {
            asm.bind(minusOne);
            byMinusOne(division);
            asm.jmp(done, Reach.SHORT);
        }
        asm.bind(zero);
        byZero(division);
        asm.bind(done);
    }

    /** Divides by the first scratch register, which is neither 0 nor, when signed, -1. */
    private void machineDivision(Division division) {
        Gpr dst = division.dst();
        Gpr result = division.isQuotient() ? Gpr.RAX : Gpr.RDX;
        boolean keepRax = emission.isLive(Gpr.RAX, dst);
        boolean keepRdx = emission.isLive(Gpr.RDX, dst);
        if (keepRax) {
            asm.mov(OpSize.Q, emission.use(Registers.SECOND), Gpr.RAX);
        }
        if (keepRdx) {
            asm.mov(OpSize.Q, emission.use(Registers.THIRD), Gpr.RDX);
        }
        emission.move(division.size(), emission.use(Gpr.RAX), division.left());
        emission.use(Gpr.RDX);
        if (division.isSigned()) {
            asm.plain(division.size() == OpSize.Q ? Plain.CQO : Plain.CDQ);
            asm.op(Unary.IDIV, division.size(), Registers.SCRATCH);
        } else {
            unsigned(division.size());
        }
        emission.move(division.size(), dst, result);
        if (keepRax) {
            asm.mov(OpSize.Q, Gpr.RAX, Registers.SECOND);
        }
        if (keepRdx) {
            asm.mov(OpSize.Q, Gpr.RDX, Registers.THIRD);
        }
    }

    /** A 64-bit division is several times slower than a 32-bit one on many machines, and mostly not needed. */
    private void unsigned(OpSize size) {
        if (size == OpSize.D) {
            asm.op(Arith.XOR, OpSize.D, Gpr.RDX, Gpr.RDX);
            asm.op(Unary.DIV, OpSize.D, Registers.SCRATCH);
            return;
        }
        Label narrow = new Label("narrow division");
        Label divided = new Label("wide division done");
        asm.mov(OpSize.Q, Gpr.RDX, Gpr.RAX);
        asm.op(Arith.OR, OpSize.Q, Gpr.RDX, Registers.SCRATCH);
        asm.op(Shift.SHR, OpSize.Q, Gpr.RDX, 32);
        asm.jcc(Cond.E, narrow, Reach.SHORT);
        asm.op(Arith.XOR, OpSize.D, Gpr.RDX, Gpr.RDX);
        asm.op(Unary.DIV, OpSize.Q, Registers.SCRATCH);
        asm.jmp(divided, Reach.SHORT);
        asm.bind(narrow);
        asm.op(Unary.DIV, OpSize.D, Registers.SCRATCH);
        asm.bind(divided);
    }

    private void byZero(Division division) {
        if (division.isQuotient()) {
            asm.op(Arith.XOR, OpSize.D, division.dst(), division.dst());
        } else {
            asm.mov(division.size(), division.dst(), division.left());
        }
    }

    private void byMinusOne(Division division) {
        if (division.isQuotient()) {
            emission.move(division.size(), division.dst(), division.left());
            asm.op(Unary.NEG, division.size(), division.dst());
        } else {
            asm.op(Arith.XOR, OpSize.D, division.dst(), division.dst());
        }
    }

    private void byPowerOfTwo(Division division, int divisor) {
        int bits = Integer.numberOfTrailingZeros(divisor);
        asm.mov(division.size(), division.dst(), division.left());
        if (division.op() == AluOp.MOD) {
            asm.op(Arith.AND, division.size(), division.dst(), divisor - 1);
        } else if (bits != 0) {
            asm.op(Shift.SHR, division.size(), division.dst(), bits);
        }
    }
}

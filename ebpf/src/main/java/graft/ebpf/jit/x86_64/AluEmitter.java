package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.UnaryOp;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import graft.platform.asm.x86_64.Address;
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

    void binary(Op.Binary op) {
        switch (op.op()) {
            case ADD -> add(op);
            case SUB -> sub(op);
            case OR -> commutative(Arith.OR, op);
            case AND -> commutative(Arith.AND, op);
            case XOR -> commutative(Arith.XOR, op);
            case MUL -> mul(op);
            case LSH -> shift(Shift.SHL, op);
            case RSH -> shift(Shift.SHR, op);
            case ARSH -> shift(Shift.SAR, op);
            case DIV, MOD, SDIV, SMOD -> division.divide(op);
            case MOV -> throw new AssertionError("not arithmetic: " + op);
        }
    }

    void unary(Op.Unary op) {
        Gpr src = emission.of(op.src());
        Gpr dst = emission.of(op.dst());
        switch (op.op()) {
            case NEG_32 -> neg(OpSize.D, dst, src);
            case NEG_64 -> neg(OpSize.Q, dst, src);
            case ZERO_EXTEND_16 -> asm.movzx(OpSize.W, dst, src);
            case ZERO_EXTEND_32 -> asm.mov(OpSize.D, dst, src);
            case SIGN_EXTEND_8_TO_32 -> asm.movsx(OpSize.B, OpSize.D, dst, src);
            case SIGN_EXTEND_16_TO_32 -> asm.movsx(OpSize.W, OpSize.D, dst, src);
            case SIGN_EXTEND_8 -> asm.movsx(OpSize.B, OpSize.Q, dst, src);
            case SIGN_EXTEND_16 -> asm.movsx(OpSize.W, OpSize.Q, dst, src);
            case SIGN_EXTEND_32 -> asm.movsx(OpSize.D, OpSize.Q, dst, src);
            case SWAP_16, SWAP_32, SWAP_64 -> swap(op.op(), dst, src);
        }
    }

    private void neg(OpSize size, Gpr dst, Gpr src) {
        emission.move(size, dst, src);
        asm.op(Unary.NEG, size, dst);
    }

    private void swap(UnaryOp op, Gpr dst, Gpr src) {
        emission.move(OpSize.Q, dst, src);
        if (op == UnaryOp.SWAP_16) {
            asm.op(Shift.ROR, OpSize.W, dst, 8);
            asm.movzx(OpSize.W, dst, dst);
        } else {
            asm.bswap(op == UnaryOp.SWAP_32 ? OpSize.D : OpSize.Q, dst);
        }
    }

    void rotate(Op.Rotate op) {
        OpSize size = Emission.size(op.width());
        Gpr dst = emission.of(op.dst());
        emission.move(size, dst, emission.of(op.src()));
        asm.op(Shift.ROL, size, dst, op.left());
    }

    private static int immediate(Value.Constant constant) {
        return (int) constant.value();
    }

    private void add(Op.Binary op) {
        OpSize size = Emission.size(op.width());
        Gpr left = emission.of(op.left());
        Gpr dst = emission.of(op.dst());
        switch (op.right()) {
            case Value.Constant constant when dst == left -> asm.op(Arith.ADD, size, dst, immediate(constant));
            case Value.Constant constant -> asm.lea(size, dst, Address.at(left, immediate(constant)));
            case Var var -> add(size, dst, left, emission.of(var));
            case Value.Symbol _, Value.FrameAddress _ -> throw notAnOperand(op);
        }
    }

    private void add(OpSize size, Gpr dst, Gpr left, Gpr right) {
        if (dst == left) {
            asm.op(Arith.ADD, size, dst, right);
        } else if (dst == right) {
            asm.op(Arith.ADD, size, dst, left);
        } else {
            asm.lea(size, dst, Address.at(left, right, 1, 0));
        }
    }

    private static AssertionError notAnOperand(Op op) {
        return new AssertionError("an address as operand: " + op);
    }

    private void sub(Op.Binary op) {
        OpSize size = Emission.size(op.width());
        Gpr left = emission.of(op.left());
        Gpr dst = emission.of(op.dst());
        switch (op.right()) {
            case Value.Constant constant -> {
                emission.move(size, dst, left);
                asm.op(Arith.SUB, size, dst, immediate(constant));
            }
            case Var var
            when dst != left && dst == emission.of(var) -> {
                asm.op(Unary.NEG, size, dst);
                asm.op(Arith.ADD, size, dst, left);
            }
            case Var var -> {
                emission.move(size, dst, left);
                asm.op(Arith.SUB, size, dst, emission.of(var));
            }
            case Value.Symbol _, Value.FrameAddress _ -> throw notAnOperand(op);
        }
    }

    private void commutative(Arith arith, Op.Binary op) {
        OpSize size = Emission.size(op.width());
        Gpr left = emission.of(op.left());
        Gpr dst = emission.of(op.dst());
        switch (op.right()) {
            case Value.Constant(long value)
            when arith == Arith.AND && value == 0xff && dst != left -> asm.movzx(OpSize.B, dst, left);
            case Value.Constant(long value)
            when arith == Arith.AND && value == 0xffff && dst != left -> asm.movzx(OpSize.W, dst, left);
            case Value.Constant constant -> {
                emission.move(size, dst, left);
                asm.op(arith, size, dst, immediate(constant));
            }
            case Var var when dst == emission.of(var) -> asm.op(arith, size, dst, left);
            case Var var -> {
                emission.move(size, dst, left);
                asm.op(arith, size, dst, emission.of(var));
            }
            case Value.Symbol _, Value.FrameAddress _ -> throw notAnOperand(op);
        }
    }

    private void mul(Op.Binary op) {
        OpSize size = Emission.size(op.width());
        Gpr left = emission.of(op.left());
        Gpr dst = emission.of(op.dst());
        switch (op.right()) {
            case Value.Constant constant -> mul(size, dst, left, immediate(constant));
            case Var var when dst == emission.of(var) -> asm.imul(size, dst, left);
            case Var var -> {
                emission.move(size, dst, left);
                asm.imul(size, dst, emission.of(var));
            }
            case Value.Symbol _, Value.FrameAddress _ -> throw notAnOperand(op);
        }
    }

    private void mul(OpSize size, Gpr dst, Gpr left, int factor) {
        if (factor == 3 || factor == 5 || factor == 9) {
            asm.lea(size, dst, Address.at(left, left, factor - 1, 0));
        } else if (factor > 1 && Integer.bitCount(factor) == 1) {
            emission.move(size, dst, left);
            asm.op(Shift.SHL, size, dst, Integer.numberOfTrailingZeros(factor));
        } else {
            asm.imul(size, dst, left, factor);
        }
    }

    private void shift(Shift shift, Op.Binary op) {
        OpSize size = Emission.size(op.width());
        Gpr left = emission.of(op.left());
        Gpr dst = emission.of(op.dst());
        switch (op.right()) {
            case Value.Constant constant -> {
                int count = immediate(constant) & (op.width() == Width.W64 ? 63 : 31);
                if (count == 1 && shift == Shift.SHL) {
                    twice(size, dst, left);
                } else if (count != 0) {
                    emission.move(size, dst, left);
                    asm.op(shift, size, dst, count);
                } else {
                    asm.mov(size, dst, left);
                }
            }
            case Var var when emission.has(MachineFeature.BMI2) -> asm.shift(shift, size, dst, left, emission.of(var));
            case Var var -> shiftByRegister(shift, size, dst, left, emission.of(var));
            case Value.Symbol _, Value.FrameAddress _ -> throw notAnOperand(op);
        }
    }

    /** More units of the machine add than shift. */
    private void twice(OpSize size, Gpr dst, Gpr left) {
        if (dst == left) {
            asm.op(Arith.ADD, size, dst, dst);
        } else {
            asm.lea(size, dst, Address.at(left, left, 1, 0));
        }
    }

    /** The count must be in cl. */
    private void shiftByRegister(Shift shift, OpSize size, Gpr dst, Gpr left, Gpr count) {
        Gpr value = dst == Gpr.RCX || dst == count ? emission.use(Registers.SCRATCH) : dst;
        emission.move(size, value, left);
        boolean keep = count != Gpr.RCX && emission.isLive(Gpr.RCX, dst);
        if (keep) {
            asm.mov(OpSize.Q, emission.use(Registers.SECOND), Gpr.RCX);
        }
        emission.move(OpSize.D, emission.use(Gpr.RCX), count);
        asm.opByCl(shift, size, value);
        if (keep) {
            asm.mov(OpSize.Q, Gpr.RCX, Registers.SECOND);
        }
        emission.move(size, dst, value);
    }
}

package graft.platform.asm.x86_64;

import graft.platform.asm.CodeBuffer;
import graft.platform.asm.x86_64.Encoding.Form;

/** The instructions that move and compute. Operand order is Intel's: destination first. */
public abstract sealed class X64DataAssembler permits X64Assembler {
    private static final int LOCK = 0xf0;

    final CodeBuffer out;
    final Encoding encoding;

    X64DataAssembler(CodeBuffer out) {
        this.out = out;
        this.encoding = new Encoding(out);
    }

    /** {@code mov dst, src}: register to register, or store. A 32-bit register destination is zero-extended. */
    public final void mov(OpSize size, RegMem dst, Gpr src) {
        encoding.reg(Form.sized(0x89, size), src, dst, 0);
    }

    /** {@code mov dst, [src]}. Byte and word loads leave the upper bits alone: see {@link #movzx}. */
    public final void mov(OpSize size, Gpr dst, Address src) {
        encoding.reg(Form.sized(0x8b, size), dst, src, 0);
    }

    /** {@code mov dst, imm}, sign-extended to the size. For a register prefer {@link #mov(Gpr, long)}. */
    public final void mov(OpSize size, RegMem dst, int imm) {
        encoding.digit(Form.sized(0xc7, size), 0, dst, size.immediateBytes());
        encoding.immediate(size, imm);
    }

    /** {@code mov dst, value} in the shortest form that leaves the flags alone. */
    public final void mov(Gpr dst, long value) {
        if (value >>> 32 == 0) {
            encoding.inOpcode(Form.of(0xb8, OpSize.D), dst);
            out.put32((int) value);
        } else if (value == (int) value) {
            mov(OpSize.Q, dst, (int) value);
        } else {
            movabs(dst, value);
        }
    }

    /** {@code movabs dst, value}: always ten bytes, the value in the last eight. */
    public final void movabs(Gpr dst, long value) {
        encoding.inOpcode(Form.of(0xb8, OpSize.Q), dst);
        out.put64(value);
    }

    /** Zero-extending move of {@code from} bits into the whole register. */
    public final void movzx(OpSize from, Gpr dst, RegMem src) {
        switch (from) {
            case B -> encoding.reg(new Form(0, 0x0fb6, OpSize.D, OpSize.B), dst, src, 0);
            case W -> encoding.reg(new Form(0, 0x0fb7, OpSize.D, OpSize.W), dst, src, 0);
            case D, Q -> encoding.reg(Form.of(0x8b, from), dst, src, 0);
        }
    }

    /** Sign-extending move from {@code from} to {@code to} bits; a 32-bit result is zero-extended further. */
    public final void movsx(OpSize from, OpSize to, Gpr dst, RegMem src) {
        switch (from) {
            case B -> encoding.reg(new Form(0, 0x0fbe, to, OpSize.B), dst, src, 0);
            case W -> encoding.reg(new Form(0, 0x0fbf, to, OpSize.W), dst, src, 0);
            case D -> encoding.reg(Form.of(0x63, to), dst, src, 0);
            case Q -> encoding.reg(Form.of(0x8b, OpSize.Q), dst, src, 0);
        }
    }

    /** {@code lea dst, [src]}; the size is D or Q. */
    public final void lea(OpSize size, Gpr dst, Address src) {
        encoding.reg(Form.of(0x8d, size), dst, src, 0);
    }

    /** {@code op dst, src}. */
    public final void op(Arith op, OpSize size, RegMem dst, Gpr src) {
        encoding.reg(Form.sized(op.digit() << 3 | 1, size), src, dst, 0);
    }

    /** {@code op dst, [src]}. */
    public final void op(Arith op, OpSize size, Gpr dst, Address src) {
        encoding.reg(Form.sized(op.digit() << 3 | 3, size), dst, src, 0);
    }

    /** {@code op dst, imm}, the immediate sign-extended to the size. */
    public final void op(Arith op, OpSize size, RegMem dst, int imm) {
        if (size != OpSize.B && imm == (byte) imm) {
            encoding.digit(Form.of(0x83, size), op.digit(), dst, 1);
            out.put8(imm);
        } else {
            encoding.digit(Form.sized(0x81, size), op.digit(), dst, size.immediateBytes());
            encoding.immediate(size, imm);
        }
    }

    /** {@code test dst, src}. */
    public final void test(OpSize size, RegMem dst, Gpr src) {
        encoding.reg(Form.sized(0x85, size), src, dst, 0);
    }

    /** {@code test dst, imm}, the immediate sign-extended to the size. */
    public final void test(OpSize size, RegMem dst, int imm) {
        encoding.digit(Form.sized(0xf7, size), 0, dst, size.immediateBytes());
        encoding.immediate(size, imm);
    }

    /** {@code bt dst, bit}: the bit, counted modulo the size, becomes the carry flag; the size is W, D or Q. */
    public final void bt(OpSize size, Gpr dst, Gpr bit) {
        encoding.reg(Form.of(0x0fa3, size), bit, dst, 0);
    }

    /** A one-operand operation. */
    public final void op(Unary op, OpSize size, RegMem rm) {
        encoding.digit(Form.sized(op.opcode(), size), op.digit(), rm, 0);
    }

    /** Shift or rotate by a constant. */
    public final void op(Shift op, OpSize size, RegMem rm, int count) {
        encoding.digit(Form.sized(0xc1, size), op.digit(), rm, 1);
        out.put8(count);
    }

    /** Shift or rotate by cl. */
    public final void opByCl(Shift op, OpSize size, RegMem rm) {
        encoding.digit(Form.sized(0xd3, size), op.digit(), rm, 0);
    }

    /** {@code shlx}, {@code shrx} or {@code sarx}: any registers, and no flags; the size is D or Q. For BMI2 only. */
    public final void shift(Shift op, OpSize size, Gpr dst, Gpr src, Gpr count) {
        encoding.shiftX(op, size, dst, src, count);
    }

    /** {@code imul dst, src}: low half of the product; the size is W, D or Q. */
    public final void imul(OpSize size, Gpr dst, RegMem src) {
        encoding.reg(Form.of(0x0faf, size), dst, src, 0);
    }

    /** {@code imul dst, src, imm}; the size is W, D or Q. */
    public final void imul(OpSize size, Gpr dst, RegMem src, int imm) {
        if (imm == (byte) imm) {
            encoding.reg(Form.of(0x6b, size), dst, src, 1);
            out.put8(imm);
        } else {
            encoding.reg(Form.of(0x69, size), dst, src, size.immediateBytes());
            encoding.immediate(size, imm);
        }
    }

    /** {@code bswap}; the size is D or Q (16 bits are swapped by a rotate). */
    public final void bswap(OpSize size, Gpr reg) {
        encoding.inOpcode(Form.of(0x0fc8, size), reg);
    }

    /** An atomic read-modify-write of memory. */
    public final void locked(Locked op, OpSize size, Address memory, Gpr src) {
        Form form = Form.sized(op.opcode(), size);
        encoding.reg(op == Locked.XCHG ? form : form.prefixed(LOCK), src, memory, 0);
    }

    /** {@code xchg a, b} of two registers. */
    public final void xchg(OpSize size, Gpr a, Gpr b) {
        encoding.reg(Form.sized(0x87, size), b, a, 0);
    }

    /** {@code cmovcc dst, src}; the size is W, D or Q. */
    public final void cmov(Cond cond, OpSize size, Gpr dst, RegMem src) {
        encoding.reg(Form.of(0x0f40 | cond.number(), size), dst, src, 0);
    }

    /** {@code setcc rm8}. */
    public final void setcc(Cond cond, RegMem rm) {
        encoding.digit(Form.of(0x0f90 | cond.number(), OpSize.B), 0, rm, 0);
    }
}

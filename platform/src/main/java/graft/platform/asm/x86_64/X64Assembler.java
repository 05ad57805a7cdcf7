package graft.platform.asm.x86_64;

import graft.platform.asm.CodeBuffer;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Encoding.Form;

/**
 * Writes x86-64 machine code that will run at a known address. Absolute targets are encoded relative to it and checked
 * for range. {@link #finish()} refuses labels that were used and never bound.
 *
 * <pre>{@code
 * X64Assembler asm = new X64Assembler(0x7f00_0000_1000L);
 * Label done = new Label("done");
 * asm.op(Arith.CMP, OpSize.D, Address.absolute(state), 0);
 * asm.jcc(Cond.E, done);
 * asm.call(program);
 * asm.bind(done);
 * asm.plain(Plain.RET);
 * byte[] code = asm.finish();
 * }</pre>
 */
public final class X64Assembler extends X64DataAssembler {
    private static final int SHORT_JUMP_BYTES = 2;
    private static final byte[][] NOPS = {
        {},
        {(byte) 0x90},
        {0x66, (byte) 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, (byte) 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, (byte) 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, (byte) 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };

    /** @param address where the first byte will run */
    public X64Assembler(long address) {
        super(new CodeBuffer(address));
    }

    /** Bytes written so far. */
    public int position() {
        return out.position();
    }

    /** The address of the next instruction. */
    public long here() {
        return out.here();
    }

    /** Makes {@code label} mean the next instruction. */
    public void bind(Label label) {
        out.bind(label);
    }

    /** Appends code or data that is already encoded. */
    public void bytes(byte[] code) {
        out.put(code);
    }

    /** Appends a 64-bit datum. */
    public void data64(long value) {
        out.put64(value);
    }

    /**
     * The code.
     *
     * @throws IllegalStateException when a used label was never bound
     */
    public byte[] finish() {
        return out.finish();
    }

    /** An instruction without operands. */
    public void plain(Plain instruction) {
        out.put(instruction.code());
    }

    /** {@code push reg}. */
    public void push(Gpr reg) {
        encoding.inOpcode(Form.of(0x50, OpSize.D), reg);
    }

    /** {@code push qword [memory]}. */
    public void push(Address memory) {
        encoding.digit(Form.of(0xff, OpSize.D), 6, memory, 0);
    }

    /** {@code push imm32}, sign-extended. */
    public void push(int imm) {
        out.put8(0x68);
        out.put32(imm);
    }

    /** {@code pop reg}. */
    public void pop(Gpr reg) {
        encoding.inOpcode(Form.of(0x58, OpSize.D), reg);
    }

    /** {@code rdpid reg}: the processor number that the kernel put into TSC_AUX. */
    public void rdpid(Gpr reg) {
        encoding.digit(new Form(0xf3, 0x0fc7, OpSize.D, OpSize.D), 7, reg, 0);
    }

    /** {@code prefetchw [memory]}: brings a line that is going to be written; nothing happens where no memory is. */
    public void prefetchw(Address memory) {
        encoding.digit(Form.of(0x0f0d, OpSize.D), 1, memory, 0);
    }

    /** Multi-byte no-operations, {@code bytes} in all, in as few instructions as possible. */
    public void nop(int bytes) {
        int left = bytes;
        while (left > 0) {
            byte[] nop = NOPS[Math.min(left, NOPS.length - 1)];
            out.put(nop);
            left -= nop.length;
        }
    }

    /** No-operations up to an address that is a multiple of {@code alignment}, a power of two. */
    public void align(int alignment) {
        nop((int) (-out.here() & (alignment - 1)));
    }

    /** {@code jmp label}, short when the label is bound and near. */
    public void jmp(Label label) {
        jmp(label, Reach.ANY);
    }

    /** {@code jmp label}. */
    public void jmp(Label label, Reach reach) {
        if (isShort(label, reach)) {
            out.put8(0xeb);
            out.putDistance(label, 1, 0);
        } else {
            out.put8(0xe9);
            out.putDistance(label, 4, 0);
        }
    }

    /** {@code jcc label}, short when the label is bound and near. */
    public void jcc(Cond cond, Label label) {
        jcc(cond, label, Reach.ANY);
    }

    /** {@code jcc label}. */
    public void jcc(Cond cond, Label label, Reach reach) {
        if (isShort(label, reach)) {
            out.put8(0x70 | cond.number());
            out.putDistance(label, 1, 0);
        } else {
            out.put8(0x0f);
            out.put8(0x80 | cond.number());
            out.putDistance(label, 4, 0);
        }
    }

    /** {@code jrcxz label}: no further than a one-byte distance reaches. Changes no flag. */
    public void jrcxz(Label label) {
        out.put8(0xe3);
        out.putDistance(label, 1, 0);
    }

    /** {@code call label}. */
    public void call(Label label) {
        out.put8(0xe8);
        out.putDistance(label, 4, 0);
    }

    /** {@code xbegin label}: where the transaction goes on when it ends early, with all registers but rax as they are here. */
    public void xbegin(Label label) {
        out.put8(0xc7);
        out.put8(0xf8);
        out.putDistance(label, 4, 0);
    }

    /**
     * {@code jmp rel32} to an absolute address.
     *
     * @throws graft.platform.asm.CodeRangeException when it is out of reach
     */
    public void jmp(long target) {
        out.put8(0xe9);
        out.putDistance(target, 0);
    }

    /**
     * {@code jcc rel32} to an absolute address.
     *
     * @throws graft.platform.asm.CodeRangeException when it is out of reach
     */
    public void jcc(Cond cond, long target) {
        out.put8(0x0f);
        out.put8(0x80 | cond.number());
        out.putDistance(target, 0);
    }

    /**
     * {@code call rel32} to an absolute address.
     *
     * @throws graft.platform.asm.CodeRangeException when it is out of reach
     */
    public void call(long target) {
        out.put8(0xe8);
        out.putDistance(target, 0);
    }

    /** {@code jmp rm64}: through a register or memory. */
    public void jmp(RegMem target) {
        encoding.digit(Form.of(0xff, OpSize.D), 4, target, 0);
    }

    /** {@code call rm64}: through a register or memory. */
    public void call(RegMem target) {
        encoding.digit(Form.of(0xff, OpSize.D), 2, target, 0);
    }

    private boolean isShort(Label label, Reach reach) {
        return switch (reach) {
            case SHORT -> true;
            case NEAR -> false;
            case ANY -> label.isBound() && reachesShort(label.position() - (out.position() + SHORT_JUMP_BYTES));
        };
    }

    private static boolean reachesShort(int distance) {
        return distance == (byte) distance;
    }
}

package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.jit.TargetBinding.StackBounds;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;

/**
 * Reads of 4 and 8 bytes by {@code bpf_probe_read*} in place, when they lie between the running frame and the end of the main
 * thread's stack, or in the page of the running frame, whatever stack that is. All others are the helper's.
 */
final class StackReadEmitter {
    private static final Gpr TO = Gpr.RDI;
    private static final Gpr SIZE = Gpr.RSI;
    private static final Gpr FROM = Gpr.RDX;

    private static final Gpr RESULT = Gpr.RAX;
    private static final int PAGE = 4096;

    private final Emission emission;
    private final X64Assembler asm;

    StackReadEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    static boolean reads(Helper helper) {
        return helper == Helper.PROBE_READ || helper == Helper.PROBE_READ_USER || helper == Helper.PROBE_READ_KERNEL;
    }

    /** The arguments are where the helper takes them; its result is in {@code rax}. */
    void read(Helper helper, StackBounds stack) {
        Label half = new Label("4 bytes");
        Label there = new Label("on the stack");
        Label good = new Label("read");
        Label other = new Label("not on the stack");
        Label done = new Label("read or not");
        mainStack(stack, there);
        framePage(other);
        asm.bind(there);
        asm.op(Arith.CMP, OpSize.D, SIZE, Long.BYTES);
        asm.jcc(Cond.NE, half, Reach.SHORT);
        copy(OpSize.Q);
        asm.jmp(good, Reach.SHORT);
        asm.bind(half);
        asm.op(Arith.CMP, OpSize.D, SIZE, Integer.BYTES);
        asm.jcc(Cond.NE, other, Reach.SHORT);
        copy(OpSize.D);
        asm.bind(good);
        asm.op(Arith.XOR, OpSize.D, RESULT, RESULT);
        asm.jmp(done, Reach.SHORT);
        asm.bind(other);
        emission.call(helper);
        asm.bind(done);
    }

    /** Goes on at {@code there} when the bytes lie between the frame and the end of the main thread's stack. */
    private void mainStack(StackBounds stack, Label there) {
        Label elsewhere = new Label("not on the main thread's stack");
        asm.mov(OpSize.Q, RESULT, emission.memory(stack.endAt(), Registers.SCRATCH));
        asm.op(Arith.SUB, OpSize.Q, RESULT, FROM);
        asm.jcc(Cond.B, elsewhere, Reach.SHORT);
        asm.op(Arith.CMP, OpSize.Q, RESULT, Long.BYTES);
        asm.jcc(Cond.B, elsewhere, Reach.SHORT);
        asm.op(Arith.CMP, OpSize.Q, FROM, Gpr.RSP);
        asm.jcc(Cond.B, elsewhere, Reach.SHORT);
        asm.op(Arith.CMP, OpSize.Q, Gpr.RSP, emission.memory(stack.startAt(), Registers.SCRATCH));
        asm.jcc(Cond.AE, there, Reach.SHORT);
        asm.bind(elsewhere);
    }

    /** Goes on at {@code other} when not all bytes are in the page of the frame. */
    private void framePage(Label other) {
        asm.mov(OpSize.Q, RESULT, FROM);
        asm.op(Arith.XOR, OpSize.Q, RESULT, Gpr.RSP);
        asm.op(Arith.CMP, OpSize.Q, RESULT, PAGE);
        asm.jcc(Cond.AE, other, Reach.SHORT);
        asm.lea(OpSize.Q, RESULT, Address.at(FROM, Long.BYTES - 1));
        asm.op(Arith.XOR, OpSize.Q, RESULT, Gpr.RSP);
        asm.op(Arith.CMP, OpSize.Q, RESULT, PAGE);
        asm.jcc(Cond.AE, other, Reach.SHORT);
    }

    private void copy(OpSize size) {
        asm.mov(size, RESULT, Address.at(FROM));
        asm.mov(size, Address.at(TO), RESULT);
    }
}

package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.jit.TargetBinding.StackBounds;
import graft.ebpf.jit.ir.Op;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;

/**
 * Reads by {@code bpf_probe_read*} in place. Bytes that lie between the running frame and the end of the main thread's stack, or
 * in the page of the running frame, whatever stack that is, are there. Others are read in a transaction (see
 * {@link graft.ebpf.jit.ir.Transactions}), or by the helper.
 */
final class ReadEmitter {
    private static final Gpr TO = Gpr.RDI;
    private static final Gpr SIZE = Gpr.RSI;
    private static final Gpr FROM = Gpr.RDX;

    private static final Gpr RESULT = Gpr.RAX;
    private static final int PAGE = 4096;

    private final Emission emission;
    private final X64Assembler asm;

    ReadEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    /** So many bytes from the address in a register on; the other register is free. */
    private record Bytes(Gpr from, int count, Gpr free) {}

    /** Goes on at {@code near} or falls through; the condition that means {@code far} then. */
    Cond near(Op.Near op, Label near) {
        Bytes bytes = new Bytes(emission.of(op.address()), op.bytes(), emission.use(Registers.SECOND));
        emission.binding().mainStack().ifPresent(stack -> mainStack(stack, bytes, near, Reach.ANY));
        Label far = new Label("in another page");
        framePage(bytes, far);
        asm.bind(far);
        return Cond.AE;
    }

    /** Begins a transaction. When it ends early, {@code again} is where it goes on, with all registers as they were. */
    void begin(Label again) {
        Gpr kept = emission.use(Registers.SCRATCH);
        Label ended = new Label("transaction ended");
        Label begins = new Label("transaction begins");
        asm.mov(OpSize.Q, kept, Gpr.RAX);
        asm.jmp(begins, Reach.SHORT);
        asm.bind(ended);
        asm.mov(OpSize.Q, Gpr.RAX, kept);
        asm.jmp(again, Reach.NEAR);
        asm.bind(begins);
        asm.xbegin(ended);
    }

    /** The arguments are where the helper takes them; its result is in {@code rax}. */
    void read(Helper helper, StackBounds stack) {
        Label half = new Label("4 bytes");
        Label there = new Label("on the stack");
        Label good = new Label("read");
        Label other = new Label("not on the stack");
        Label done = new Label("read or not");
        Bytes bytes = new Bytes(FROM, Long.BYTES, RESULT);
        mainStack(stack, bytes, there, Reach.SHORT);
        framePage(bytes, other);
        asm.jcc(Cond.AE, other, Reach.SHORT);
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
    private void mainStack(StackBounds stack, Bytes bytes, Label there, Reach reach) {
        Label elsewhere = new Label("not on the main thread's stack");
        asm.mov(OpSize.Q, bytes.free(), emission.memory(stack.endAt(), Registers.SCRATCH));
        asm.op(Arith.SUB, OpSize.Q, bytes.free(), bytes.from());
        asm.jcc(Cond.B, elsewhere, Reach.SHORT);
        asm.op(Arith.CMP, OpSize.Q, bytes.free(), bytes.count());
        asm.jcc(Cond.B, elsewhere, Reach.SHORT);
        asm.op(Arith.CMP, OpSize.Q, bytes.from(), Gpr.RSP);
        asm.jcc(Cond.B, elsewhere, Reach.SHORT);
        asm.op(Arith.CMP, OpSize.Q, Gpr.RSP, emission.memory(stack.startAt(), Registers.SCRATCH));
        asm.jcc(Cond.AE, there, reach);
        asm.bind(elsewhere);
    }

    /** The condition "above or equal" means afterwards, and at {@code other}, that not all bytes are in the page of the frame. */
    private void framePage(Bytes bytes, Label other) {
        asm.mov(OpSize.Q, bytes.free(), bytes.from());
        asm.op(Arith.XOR, OpSize.Q, bytes.free(), Gpr.RSP);
        asm.op(Arith.CMP, OpSize.Q, bytes.free(), PAGE);
        asm.jcc(Cond.AE, other, Reach.SHORT);
        asm.lea(OpSize.Q, bytes.free(), Address.at(bytes.from(), bytes.count() - 1));
        asm.op(Arith.XOR, OpSize.Q, bytes.free(), Gpr.RSP);
        asm.op(Arith.CMP, OpSize.Q, bytes.free(), PAGE);
    }

    private void copy(OpSize size) {
        asm.mov(size, RESULT, Address.at(FROM));
        asm.mov(size, Address.at(TO), RESULT);
    }
}

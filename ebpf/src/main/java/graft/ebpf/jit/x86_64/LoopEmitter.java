package graft.ebpf.jit.x86_64;

import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.List;

/** {@code bpf_loop}: a routine behind the program's functions, there once however often it is called. */
final class LoopEmitter {
    /** Rounds of one call, as in the kernel. */
    static final int MAX_ROUNDS = 8 << 20;

    private static final int E2BIG = 7;
    private static final int EINVAL = 22;

    private static final Gpr ROUND = Gpr.RBX;
    private static final Gpr ROUNDS = Gpr.RBP;
    private static final Gpr FUNCTION = Gpr.R12;
    private static final Gpr CONTEXT = Gpr.R13;
    private static final List<Gpr> SAVED = List.of(ROUND, ROUNDS, FUNCTION, CONTEXT);

    private final X64Assembler asm;
    private final Label routine = new Label("bpf_loop");
    private boolean called;
    private boolean handsOn;

    LoopEmitter(X64Assembler asm) {
        this.asm = asm;
    }

    /** Functions of loops are told the run's record, whose address is in its register at the call. */
    void handRecordOn() {
        handsOn = true;
    }

    /** Rounds, function, context and flags are where the C convention has arguments. */
    void call() {
        called = true;
        asm.call(routine);
    }

    /** The routine, if anything calls it. */
    void finish() {
        if (!called) {
            return;
        }
        Label refused = new Label("flags");
        Label tooLong = new Label("too many rounds");
        Label again = new Label("next round");
        Label check = new Label("rounds left?");
        Label out = new Label("out");
        asm.bind(routine);
        asm.test(OpSize.Q, Gpr.RCX, Gpr.RCX);
        asm.jcc(Cond.NE, refused);
        asm.op(Arith.CMP, OpSize.D, Gpr.RDI, MAX_ROUNDS);
        asm.jcc(Cond.A, tooLong);
        SAVED.forEach(asm::push);
        asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, 8);
        if (handsOn) {
            asm.mov(OpSize.Q, Address.at(Gpr.RSP), RecordEmitter.RECORD);
        }
        asm.mov(OpSize.D, ROUNDS, Gpr.RDI);
        asm.mov(OpSize.Q, FUNCTION, Gpr.RSI);
        asm.mov(OpSize.Q, CONTEXT, Gpr.RDX);
        asm.op(Arith.XOR, OpSize.D, ROUND, ROUND);
        asm.jmp(check);
        asm.bind(again);
        asm.mov(OpSize.D, Gpr.RDI, ROUND);
        asm.mov(OpSize.Q, Gpr.RSI, CONTEXT);
        if (handsOn) {
            asm.mov(OpSize.Q, RecordEmitter.RECORD, Address.at(Gpr.RSP));
        }
        asm.call(FUNCTION);
        asm.op(Arith.ADD, OpSize.D, ROUND, 1);
        asm.test(OpSize.Q, Gpr.RAX, Gpr.RAX);
        asm.jcc(Cond.NE, out);
        asm.bind(check);
        asm.op(Arith.CMP, OpSize.D, ROUND, ROUNDS);
        asm.jcc(Cond.B, again);
        asm.bind(out);
        asm.mov(OpSize.D, Gpr.RAX, ROUND);
        asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, 8);
        SAVED.reversed().forEach(asm::pop);
        asm.plain(Plain.RET);
        failure(refused, -EINVAL);
        failure(tooLong, -E2BIG);
    }

    private void failure(Label label, long error) {
        asm.bind(label);
        asm.mov(Gpr.RAX, error);
        asm.plain(Plain.RET);
    }
}

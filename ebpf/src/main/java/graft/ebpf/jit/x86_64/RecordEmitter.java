package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.SignalsLayout;

/**
 * The record of a run. The entry of a program that has one makes it in its frame and calls the program's first function; a
 * tail call leads behind the entry, so however many programs take part, one entry sees the end of the run, and sends the
 * signals there: no function has a lock or an unfinished record of a ring any more. The record's address is handed on in a
 * register, and functions that call others keep it in their frames.
 */
final class RecordEmitter {
    /** Holds the record's address where a function begins. */
    static final Gpr RECORD = Registers.SCRATCH;

    /** The tail calls that were made, then the signals. */
    private static final int SIGNALS = 8;

    private static final int RESULT = 0;
    private static final int RECORD_AT = 8;
    private static final int COUNTER_BYTES = 24;

    /** The result, the record, and what keeps the stack aligned. */
    private static final int SIGNALS_BYTES = ((RECORD_AT + SIGNALS + SignalsLayout.SIZE + 15) & -16) + 8;

    private final Emission emission;
    private final X64Assembler asm;

    RecordEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    /** What runs first; the function at slot 0 is next. */
    void entry(RunRecord kind) {
        boolean signals = kind == RunRecord.COUNTER_AND_SIGNALS;
        int bytes = signals ? SIGNALS_BYTES : COUNTER_BYTES;
        asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, bytes);
        asm.mov(OpSize.Q, Address.at(Gpr.RSP, RECORD_AT), 0);
        if (signals) {
            asm.mov(OpSize.Q, noted(SignalsLayout.PROCESS), 0);
            asm.mov(OpSize.Q, noted(SignalsLayout.THREAD), 0);
        }
        asm.lea(OpSize.Q, emission.use(RECORD), Address.at(Gpr.RSP, RECORD_AT));
        asm.call(emission.entry(0));
        if (signals) {
            send();
        }
        asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, bytes);
        asm.plain(Plain.RET);
    }

    private static Address noted(int field) {
        return Address.at(Gpr.RSP, RECORD_AT + SIGNALS + field);
    }

    private void send() {
        Label none = new Label("no signals");
        emission.useAllCallerSaved();
        asm.mov(OpSize.Q, Gpr.RCX, noted(SignalsLayout.PROCESS));
        asm.op(Arith.OR, OpSize.Q, Gpr.RCX, noted(SignalsLayout.THREAD));
        asm.jcc(Cond.E, none, Reach.SHORT);
        asm.mov(OpSize.Q, Address.at(Gpr.RSP, RESULT), Gpr.RAX);
        asm.lea(OpSize.Q, Gpr.RDI, noted(0));
        emission.call(Helper.SEND_NOTED_SIGNALS);
        asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, RESULT));
        asm.bind(none);
    }

    /** At the beginning of a function, when its frame is there. */
    void keep() {
        if (emission.frame().record() != 0) {
            asm.mov(OpSize.Q, kept(), RECORD);
        }
    }

    /** Before the call of a function. */
    void handOn() {
        if (emission.frame().record() != 0) {
            asm.mov(OpSize.Q, emission.use(RECORD), kept());
        }
    }

    /** Before the call of a helper that notes a signal, as its second argument. */
    void passSignals() {
        asm.mov(OpSize.Q, Gpr.RSI, kept());
        asm.op(Arith.ADD, OpSize.Q, Gpr.RSI, SIGNALS);
    }

    private Address kept() {
        return Address.at(Gpr.RSP, emission.frame().top() + emission.frame().record());
    }
}

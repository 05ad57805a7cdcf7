package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.OptionalInt;
import java.util.Set;

/** A program that counts its runs, copies its context and spoils everything that it says it changes. */
final class Recorder {
    private static final int AREA = 0x1000;
    private static final int BYTES = 0x200;
    private static final int COUNT = 0;
    private static final int STACK = 8;
    private static final int BELOW = 0x10;
    private static final int CONTEXT = 0x20;

    private final Machine machine;
    private final int area;
    private final ProgramEntry entry;

    /** @param number which of the recorders of this machine */
    Recorder(Machine machine, int number, BitSet fields, Set<Gpr> clobbered) {
        this.machine = machine;
        this.area = AREA + number * BYTES;
        RemoteAddress address = machine.pool(out -> write(out, fields, clobbered));
        this.entry = new ProgramEntry(address, clobbered, fields, EnumSet.allOf(ProgramEntry.Use.class));
    }

    /** One that reads every field and changes what a C function may change. */
    static Recorder curious(Machine machine, int number) {
        return new Recorder(machine, number, ProgramEntry.allFields(), callerSaved());
    }

    static Set<Gpr> callerSaved() {
        return EnumSet.of(Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11);
    }

    private void write(X64Assembler out, BitSet fields, Set<Gpr> clobbered) {
        out.op(Unary.INC, OpSize.Q, machine.scratch(area + COUNT));
        out.mov(OpSize.Q, machine.scratch(area + STACK), Gpr.RSP);
        for (int i = -2; i < 21; i++) {
            if (i < 0 || fields.get(i)) {
                out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, 8 * i));
                out.mov(OpSize.Q, machine.scratch(area + (i < 0 ? BELOW + 16 : CONTEXT) + 8 * i), Gpr.RAX);
            }
        }
        // The red zone of the program, as a leaf uses it.
        for (int i = 8; i <= 128; i += 8) {
            out.mov(OpSize.Q, Address.at(Gpr.RSP, -i), -1);
        }
        for (Gpr register : clobbered) {
            out.mov(register, 0xbadc_0ffe_0000_0000L + register.number());
        }
        out.mov(Gpr.RAX, 0xbadc_0ffe_ffff_ffffL);
        out.op(Unary.NEG, OpSize.Q, Gpr.RAX);
        out.plain(Plain.RET);
    }

    ProgramEntry entry() {
        return entry;
    }

    /** A call of this program at a site. */
    ProbeCall call(ProbeKind kind, RemoteAddress functionIp, long cookie) {
        return new ProbeCall(thunk(kind), functionIp, cookie);
    }

    /** A call at a system call where flags are like that. */
    SyscallStubWriter.Call call(ThunkKind kind, RemoteAddress functionIp, long cookie, OptionalInt only) {
        return new SyscallStubWriter.Call(new ProbeCall(thunk(kind), functionIp, cookie), SiteRecord.READ, only);
    }

    /** The same on a stack of the pool. */
    ProbeCall callOnPoolStack(ProbeKind kind, RemoteAddress functionIp, long cookie) {
        return new ProbeCall(thunk(kind, StackUse.POOL), functionIp, cookie);
    }

    RemoteAddress thunk(ProbeKind kind) {
        return thunk(kind, StackUse.THREAD);
    }

    private RemoteAddress thunk(ProbeKind kind, StackUse stack) {
        return thunk(new ThunkKind(kind, stack));
    }

    private RemoteAddress thunk(ThunkKind kind) {
        RemoteAddress address = machine.nextInPool();
        machine.putInPool(new ThunkWriter(machine.runtime())
                .write(address, kind, entry)
                .code()
                .bytes());
        return address;
    }

    long count() {
        return machine.word(area + COUNT);
    }

    /** Word of the context. */
    long field(int index) {
        return machine.word(area + CONTEXT + 8 * index);
    }

    long functionIp() {
        return machine.word(area + BELOW + 8);
    }

    long cookie() {
        return machine.word(area + BELOW);
    }

    /** Stack pointer at the program's first instruction. */
    long stack() {
        return machine.word(area + STACK);
    }
}

package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.Wide;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.TargetBinding.ProgramTable;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;

/**
 * Tail calls. Where they are counted is the same for a whole run, however many programs and functions take part: the
 * entry of a program with tail calls makes a counter and calls the program's first function, the address of the counter
 * is handed on in a register, and functions that call others keep it in their frames. A tail call leaves its function as
 * exit does and jumps to the other program behind such an entry.
 */
final class TailCallEmitter {
    /** Holds the counter's address where a function begins. */
    private static final Gpr COUNTER = Registers.SCRATCH;

    private static final Gpr PROGRAM = Registers.SECOND;
    private static final int ENTRY_BYTES = 24;
    private static final int ENTRY_COUNTER = 8;

    private final Emission emission;
    private final X64Assembler asm;

    TailCallEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    /** What runs first; the function at slot 0 is next. */
    void entry() {
        asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, ENTRY_BYTES);
        asm.mov(OpSize.Q, Address.at(Gpr.RSP, ENTRY_COUNTER), 0);
        asm.lea(OpSize.Q, emission.use(COUNTER), Address.at(Gpr.RSP, ENTRY_COUNTER));
        asm.call(emission.entry(0));
        asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, ENTRY_BYTES);
        asm.plain(Plain.RET);
    }

    /** At the beginning of a function, when its frame is there. */
    void keepCounter() {
        if (emission.frame().tails() != 0) {
            asm.mov(OpSize.Q, kept(), COUNTER);
        }
    }

    /** Before the call of a function. */
    void handCounterOn() {
        if (emission.frame().tails() != 0) {
            asm.mov(OpSize.Q, emission.use(COUNTER), kept());
        }
    }

    private Address kept() {
        return Address.at(Gpr.RSP, emission.frame().top() + emission.frame().tails());
    }

    /** The context is in rdi, the index in rdx; goes on behind it if there is no such program, or were too many. */
    void call(String map) {
        MapBinding programs = emission.binding().maps().get(map);
        ProgramTable table = emission.binding().programs().orElseThrow();
        Label none = new Label("no tail call");
        emission.useAllCallerSaved();
        asm.op(Arith.CMP, OpSize.D, Gpr.RDX, programs.maxEntries());
        asm.jcc(Cond.AE, none);
        handCounterOn();
        asm.op(Arith.CMP, OpSize.D, Address.at(COUNTER), TailCalls.MOST);
        asm.jcc(Cond.AE, none);
        asm.mov(OpSize.D, Gpr.RDX, Gpr.RDX);
        emission.loadSymbol(PROGRAM, new Wide.MapValue(map, 0));
        asm.mov(OpSize.D, PROGRAM, Address.at(PROGRAM, Gpr.RDX, programs.stride(), 0));
        asm.op(Arith.SUB, OpSize.D, PROGRAM, 1);
        asm.op(Arith.CMP, OpSize.D, PROGRAM, table.programs());
        asm.jcc(Cond.AE, none);
        asm.mov(Gpr.RAX, table.address());
        asm.mov(OpSize.Q, PROGRAM, Address.at(Gpr.RAX, PROGRAM, 8, 0));
        asm.test(OpSize.Q, PROGRAM, PROGRAM);
        asm.jcc(Cond.E, none);
        asm.op(Arith.ADD, OpSize.D, Address.at(COUNTER), 1);
        leave();
        asm.jmp(PROGRAM);
        asm.bind(none);
    }

    private void leave() {
        Frame frame = emission.frame();
        if (frame.allocated() != 0) {
            asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, frame.allocated());
        }
        frame.saved().reversed().forEach(asm::pop);
    }
}

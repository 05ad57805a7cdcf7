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
import graft.platform.asm.x86_64.X64Assembler;

/** Tail calls. They are counted in the run's record. One leaves its function as exit does and jumps to the other program, behind its entry. */
final class TailCallEmitter {
    private static final Gpr PROGRAM = Registers.SECOND;

    private final Emission emission;
    private final X64Assembler asm;
    private final RecordEmitter record;

    TailCallEmitter(Emission emission, RecordEmitter record) {
        this.emission = emission;
        this.asm = emission.asm();
        this.record = record;
    }

    /** The context is in rdi, the index in rdx; goes on behind it if there is no such program, or were too many. */
    void call(String map) {
        MapBinding programs = emission.binding().maps().get(map);
        ProgramTable table = emission.binding().programs().orElseThrow();
        Label none = new Label("no tail call");
        emission.useAllCallerSaved();
        asm.op(Arith.CMP, OpSize.D, Gpr.RDX, programs.maxEntries());
        asm.jcc(Cond.AE, none);
        record.handOn();
        asm.op(Arith.CMP, OpSize.D, Address.at(RecordEmitter.RECORD), RunRecord.MOST_TAIL_CALLS);
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
        asm.op(Arith.ADD, OpSize.D, Address.at(RecordEmitter.RECORD), 1);
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

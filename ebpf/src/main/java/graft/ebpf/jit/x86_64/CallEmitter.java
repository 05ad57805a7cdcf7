package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Wide;
import graft.ebpf.jit.CompiledProgram.BelowContext;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.TargetBinding.Rows;
import graft.ebpf.jit.TargetBinding.StackBounds;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Transactions;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** Calls, and the few instructions that stand for a helper where the target's constants are known. */
final class CallEmitter {
    /** Of what the kernel puts where {@code rdpid} reads it; the rest is the memory node. */
    private static final int PROCESSOR_BITS = 0xfff;

    private final Emission emission;
    private final X64Assembler asm;
    private final Set<BelowContext> inputs = EnumSet.noneOf(BelowContext.class);
    private final LoopEmitter loop;
    private final RecordEmitter record;
    private final TailCallEmitter tails;
    private boolean calledHelpers;
    private boolean tailCalls;

    CallEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
        this.loop = new LoopEmitter(asm);
        this.record = new RecordEmitter(emission);
        this.tails = new TailCallEmitter(emission, record);
    }

    Set<BelowContext> inputs() {
        return inputs;
    }

    boolean calledHelpers() {
        return calledHelpers;
    }

    /** Whether the program goes on in others. */
    boolean tailCalls() {
        return tailCalls;
    }

    /** Writes the entry of a program whose run has a record. */
    void openRecord(RunRecord kind) {
        record.entry(kind);
        loop.handRecordOn();
    }

    /** At the beginning of a function. */
    void keepRecord() {
        record.keep();
    }

    /** Writes what the functions call and is not there yet. */
    void finish() {
        loop.finish();
    }

    void call(Op.Call op) {
        switch (op.target()) {
            case Op.Call.Target.OfFunction(int slot) -> {
                record.handOn();
                asm.call(emission.entry(slot));
            }
            case Op.Call.Target.OfProgram(String map) -> {
                // What the other program needs is not known.
                inputs.addAll(EnumSet.allOf(BelowContext.class));
                calledHelpers = true;
                tailCalls = true;
                tails.call(map);
            }
            case Op.Call.Target.OfLoop() -> {
                emission.useAllCallerSaved();
                record.handOn();
                loop.call();
            }
            case Op.Call.Target.OfReserve(String map) -> {
                emission.useAllCallerSaved();
                calledHelpers = true;
                new ReserveEmitter(emission, map).reserve();
            }
            case Op.Call.Target.OfHelper(Helper helper) -> callAgent(helper);
        }
    }

    private void callAgent(Helper helper) {
        emission.useAllCallerSaved();
        calledHelpers = true;
        if (helper.notesSignal()) {
            record.passSignals();
        }
        Optional<StackBounds> stack = emission.binding().mainStack().filter(_ -> Transactions.reads(helper));
        if (stack.isPresent()) {
            new ReadEmitter(emission).read(helper, stack.get());
        } else {
            emission.call(helper);
        }
    }

    void belowContext(Op.BelowContextValue op) {
        inputs.add(op.value());
        asm.mov(
                OpSize.Q,
                emission.of(op.dst()),
                Address.at(emission.of(op.context()), op.value().offset()));
    }

    void threadValue(Op.ThreadValue op) {
        Gpr result = emission.of(op.dst());
        if (op.helper() == Helper.GET_SMP_PROCESSOR_ID) {
            asm.mov(
                    OpSize.D,
                    result,
                    Address.thread(emission.binding().cpuOffset().orElseThrow()));
            return;
        }
        Gpr scratch = emission.use(Registers.SCRATCH);
        asm.mov(OpSize.D, result, Address.thread(emission.binding().tidOffset().orElseThrow()));
        asm.mov(scratch, (long) emission.binding().tgid().orElseThrow() << 32);
        asm.op(Arith.OR, OpSize.Q, result, scratch);
    }

    /** A thread that has not registered for the number asks the processor. */
    void row(Op.Row op) {
        Rows rows = emission.binding().maps().get(op.map()).rows().orElseThrow();
        Gpr result = emission.of(op.dst());
        Gpr first = emission.use(Registers.SCRATCH);
        Label known = new Label("processor known");
        asm.mov(OpSize.D, result, Address.thread(emission.binding().cpuOffset().orElseThrow()));
        asm.op(Arith.CMP, OpSize.D, result, rows.count());
        asm.jcc(Cond.B, known, Reach.SHORT);
        asm.rdpid(result);
        asm.op(Arith.AND, OpSize.D, result, PROCESSOR_BITS);
        asm.op(Arith.XOR, OpSize.D, first, first);
        asm.op(Arith.CMP, OpSize.D, result, rows.count());
        asm.cmov(Cond.AE, OpSize.Q, result, first);
        asm.bind(known);
        asm.imul(OpSize.Q, result, result, rows.bytes());
    }

    void arrayLookup(Op.ArrayLookup op) {
        MapBinding map = emission.binding().maps().get(op.map());
        Gpr key = emission.of(op.key());
        Gpr result = emission.of(op.dst());
        Gpr base = emission.use(Registers.SCRATCH);
        Label missing = new Label("no such element");
        Label done = new Label("looked up");
        asm.op(Arith.CMP, OpSize.D, key, map.maxEntries());
        asm.jcc(Cond.AE, missing, Reach.SHORT);
        emission.loadSymbol(base, new Wide.MapValue(op.map(), 0));
        op.row().ifPresent(row -> asm.op(Arith.ADD, OpSize.Q, base, emission.of(row)));
        if (map.stride() <= 8 && Integer.bitCount(map.stride()) == 1) {
            asm.lea(OpSize.Q, result, Address.at(base, key, map.stride(), 0));
        } else {
            Gpr offset = emission.use(Registers.SECOND);
            asm.imul(OpSize.Q, offset, key, map.stride());
            asm.lea(OpSize.Q, result, Address.at(base, offset, 1, 0));
        }
        asm.jmp(done, Reach.SHORT);
        asm.bind(missing);
        asm.op(Arith.XOR, OpSize.D, result, result);
        asm.bind(done);
    }
}

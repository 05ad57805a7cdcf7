package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.CompiledProgram;
import graft.ebpf.jit.CompiledProgram.Calls;
import graft.ebpf.jit.CompiledProgram.SlotOffset;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One pass over a program: functions in order, one emitter per class of instruction. */
final class ProgramEmitter {
    private static final int BUDGET_BYTES = 8;

    private final ProgSpec program;
    private final InsnList insns;
    private final Facts facts;
    private final TargetBinding binding;
    private final Layout layout;
    private final BitSet targets;
    private int stackBytes;

    ProgramEmitter(ProgSpec program, Facts facts, TargetBinding binding, Layout layout) {
        this.program = program;
        this.insns = program.insns();
        this.facts = facts;
        this.binding = binding;
        this.layout = layout;
        this.targets = JumpTargets.of(insns);
    }

    CompiledProgram emit(long codeAddress) {
        Emission emission = new Emission(codeAddress);
        Emitters emitters = new Emitters(emission, binding, layout);
        for (ProgSpec.Function function : program.functions()) {
            function(function, emission, emitters);
        }
        byte[] code = emission.asm().finish();
        Set<Gpr> clobbers = EnumSet.of(Gpr.RAX, Gpr.RDI);
        clobbers.addAll(emission.registers().clobbers());
        return new CompiledProgram(
                program.name(),
                codeAddress,
                code,
                clobbers,
                facts.contextFields(),
                facts.contextUse(),
                emitters.call.inputs(),
                emitters.call.calledHelpers() ? Calls.HELPERS : Calls.NONE,
                stackBytes,
                offsets());
    }

    /** The emitters of one pass. */
    private static final class Emitters {
        final AluEmitter alu;
        final MemoryEmitter memory;
        final BranchEmitter branch;
        final CallEmitter call;

        Emitters(Emission emission, TargetBinding binding, Layout layout) {
            this.alu = new AluEmitter(emission);
            this.memory = new MemoryEmitter(emission);
            this.branch = new BranchEmitter(emission, layout);
            this.call = new CallEmitter(emission, binding);
        }
    }

    private void function(ProgSpec.Function function, Emission emission, Emitters emitters) {
        int first = function.firstSlot();
        int end = first + function.slots();
        enter(function, emission, emitters);
        BlockState state = new BlockState();
        int slot = first;
        while (slot < end) {
            layout.start(slot, emission.asm().position());
            if (targets.get(slot)) {
                state.forget();
            }
            int consumed = insns.at(slot).slots();
            if (facts.reachable().get(slot)) {
                emission.asm().bind(layout.label(slot));
                consumed = fused(slot, emitters);
                if (consumed == 0) {
                    consumed = insns.at(slot).slots();
                    insn(slot, emission, emitters, state);
                }
                for (int at = slot; at < slot + consumed; at++) {
                    if (insns.startsAt(at)) {
                        state.step(insns.at(at));
                    }
                }
            }
            slot += consumed;
        }
        layout.usesInFunction(first, emission.registers().endFunction());
    }

    private void enter(ProgSpec.Function function, Emission emission, Emitters emitters) {
        X64Assembler asm = emission.asm();
        int first = function.firstSlot();
        boolean budget = false;
        Frame.Shape shape = Frame.Shape.LEAF;
        for (int slot = first; slot < first + function.slots(); slot++) {
            if (insns.startsAt(slot)) {
                budget |= insns.at(slot) instanceof Insn.MayGoto;
                shape = calls(slot) ? Frame.Shape.CALLS : shape;
            }
        }
        int bytes = facts.frameBytes().getOrDefault(first, 0);
        Frame frame = Frame.of(layout.savedIn(first), bytes, budget ? BUDGET_BYTES : 0, shape);
        stackBytes += frame.stackBytes();
        asm.bind(layout.entry(first));
        frame.saved().forEach(asm::push);
        if (frame.allocated() != 0) {
            asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, frame.allocated());
        }
        emission.enter(frame);
        emitters.branch.startBudget();
    }

    private boolean calls(int slot) {
        return switch (insns.at(slot)) {
            case Insn.CallLocal _ -> true;
            case Insn.CallHelper(int number) ->
                Helper.byNumber(number)
                        .map(helper -> !CallEmitter.isInline(helper, mapOfCall(slot), binding))
                        .orElse(false);
            default -> false; // every other instruction stays in the function
        };
    }

    private Optional<MapBinding> mapOfCall(int slot) {
        return Optional.ofNullable(facts.mapOfCall().get(slot)).map(binding.maps()::get);
    }

    /** Two instructions that are one of the machine; returns the slots consumed, 0 when there is no such pair. */
    private int fused(int slot, Emitters emitters) {
        if (!insns.startsAt(slot + 1) || targets.get(slot + 1)) {
            return 0;
        }
        if (!(insns.at(slot) instanceof Insn.Alu a && insns.at(slot + 1) instanceof Insn.Alu b)
                || a.width() != Width.W64
                || b.width() != Width.W64
                || a.dst() != b.dst()) {
            return 0;
        }
        Operand by32 = new Operand.Imm(32);
        if (a.op() == AluOp.LSH && a.src().equals(by32) && b.src().equals(by32)) {
            if (b.op() == AluOp.RSH) {
                emitters.alu.zeroExtendLow(a.dst());
                return 2;
            }
            if (b.op() == AluOp.ARSH) {
                emitters.alu.signExtendLow(a.dst());
                return 2;
            }
        }
        if (a.op() == AluOp.MOV
                && b.op() == AluOp.ADD
                && a.src() instanceof Operand.Src(Reg base)
                && b.src() instanceof Operand.Imm(int offset)
                && Math.abs((long) offset) < 1 << 24) {
            emitters.alu.addressOf(a.dst(), base, offset);
            return 2;
        }
        return 0;
    }

    private void insn(int slot, Emission emission, Emitters emitters, BlockState state) {
        switch (insns.at(slot)) {
            case Insn.Alu alu -> emitters.alu.alu(alu);
            case Insn.Neg neg -> emitters.alu.neg(neg);
            case Insn.MoveSigned move -> emitters.alu.moveSigned(move);
            case Insn.Swap swap -> emitters.alu.swap(swap);
            case Insn.Load load -> emitters.memory.load(load);
            case Insn.Store store -> emitters.memory.store(store);
            case Insn.Atomic atomic -> emitters.memory.atomic(atomic);
            case Insn.LoadAcquire load -> emitters.memory.loadAcquire(load);
            case Insn.StoreRelease store -> emitters.memory.storeRelease(store);
            case Insn.Jump(int distance) -> emitters.branch.jump(slot, slot + 1 + distance);
            case Insn.Branch branch -> branch(slot, branch, emitters);
            case Insn.MayGoto mayGoto -> emitters.branch.mayGoto(slot, mayGoto);
            case Insn.LoadWide(Reg dst, Wide value) -> wide(emission, dst, value);
            case Insn.CallHelper(int number) ->
                emitters.call.call(Helper.byNumber(number).orElseThrow(), mapOfCall(slot), state.keyOfLookup());
            case Insn.CallLocal(int distance) -> emission.asm().call(layout.entry(slot + 1 + distance));
            case Insn.Exit _ -> exit(emission);
            case Insn.CallKernelFunction _, Insn.Poison _ ->
                throw new AssertionError("instruction " + slot + " was not refused: " + insns.at(slot));
        }
    }

    private void branch(int slot, Insn.Branch branch, Emitters emitters) {
        boolean taken = facts.takenBranches().get(slot);
        boolean fallen = facts.fallenBranches().get(slot);
        if (taken && fallen) {
            emitters.branch.branch(slot, branch);
        } else if (taken) {
            emitters.branch.jump(slot, slot + 1 + branch.distance());
        }
    }

    private void wide(Emission emission, Reg dst, Wide value) {
        Gpr gpr = emission.dst(dst);
        switch (value) {
            case Wide.Constant(long constant)
            when constant == 0 -> emission.asm().op(Arith.XOR, OpSize.D, gpr, gpr);
            case Wide.Constant(long constant) -> emission.asm().mov(gpr, constant);
            case Wide.MapPointer(String map) ->
                emission.loadAddress(gpr, binding.maps().get(map).descriptor());
            case Wide.MapValue(String map, long offset) ->
                emission.loadAddress(gpr, binding.maps().get(map).data() + offset);
            case Wide.Function(int slot) -> emission.asm().lea(OpSize.Q, gpr, Address.of(layout.entry(slot)));
            case Wide.KernelSymbol symbol -> throw new AssertionError(symbol + " was not refused");
        }
    }

    private static void exit(Emission emission) {
        X64Assembler asm = emission.asm();
        Frame frame = emission.frame();
        if (frame.allocated() != 0) {
            asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, frame.allocated());
        }
        frame.saved().reversed().forEach(asm::pop);
        asm.plain(Plain.RET);
    }

    private List<SlotOffset> offsets() {
        List<SlotOffset> offsets = new ArrayList<>();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot)) {
                offsets.add(new SlotOffset(slot, layout.startOf(slot)));
            }
        }
        return offsets;
    }
}

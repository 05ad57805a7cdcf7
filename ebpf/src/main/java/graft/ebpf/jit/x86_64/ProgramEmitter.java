package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.CompiledProgram;
import graft.ebpf.jit.CompiledProgram.Calls;
import graft.ebpf.jit.CompiledProgram.SlotOffset;
import graft.ebpf.jit.Linkage;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Writes a program twice: the second time with the short jumps that the first time has shown to reach. */
final class ProgramEmitter {
    /** A multiple of any alignment. */
    private static final long ANYWHERE = 1L << 32;

    private final ProgSpec program;
    private final Facts facts;
    private final TargetBinding binding;
    private final Set<MachineFeature> features;
    private final List<Function> functions;
    private final TailCalls tails;
    private int tailEntry;

    ProgramEmitter(ProgSpec program, Facts facts, TargetBinding binding, Set<MachineFeature> features) {
        this.program = program;
        this.facts = facts;
        this.binding = binding;
        this.tails = TailCalls.of(program, facts);
        this.features = features;
        this.functions = program.functions().stream()
                .filter(function -> facts.reachable().get(function.firstSlot()))
                .map(function -> Function.prepare(program, function, facts, binding, features))
                .toList();
    }

    CompiledProgram emit(long codeAddress) {
        return emit(codeAddress, Emission.Addressing.KNOWN).program();
    }

    /** With names in place of the binding's addresses. */
    Linkage emitForLinking() {
        return emit(ANYWHERE, Emission.Addressing.SYMBOLIC);
    }

    private Linkage emit(long codeAddress, Emission.Addressing addressing) {
        Layout first = new Layout();
        write(new Emission(codeAddress, binding, addressing, features), first, Optional.empty());
        Layout second = new Layout();
        Emission emission = new Emission(codeAddress, binding, addressing, features);
        CallEmitter call = write(emission, second, Optional.of(first));
        return new Linkage(program(codeAddress, emission, call, second), List.copyOf(emission.references()));
    }

    private CompiledProgram program(long codeAddress, Emission emission, CallEmitter call, Layout second) {
        byte[] code = emission.asm().finish();
        return new CompiledProgram(
                program.name(),
                codeAddress,
                code,
                emission.clobbers(),
                facts.contextFields(),
                tails == TailCalls.SOME ? Facts.ContextUse.ESCAPES : facts.contextUse(),
                call.inputs(),
                call.calledHelpers() ? Calls.HELPERS : Calls.NONE,
                functions.stream()
                        .mapToInt(function -> function.frame().stackBytes())
                        .sum(),
                tailEntry,
                offsets(second));
    }

    private CallEmitter write(Emission emission, Layout layout, Optional<Layout> before) {
        CallEmitter call = new CallEmitter(emission);
        FunctionEmitter emitter = new FunctionEmitter(emission, call, layout, before);
        if (tails == TailCalls.SOME) {
            call.tailCounter();
        }
        tailEntry = emission.asm().position();
        functions.forEach(emitter::function);
        neverRun(emission);
        call.finish();
        return call;
    }

    /**
     * What no path enters may still have its address taken, as the callback of a loop without rounds. There is nothing to
     * compile, as nothing is known about its registers; it returns 0.
     */
    private static void neverRun(Emission emission) {
        for (Label entry : emission.entries()) {
            if (!entry.isBound()) {
                emission.asm().bind(entry);
                emission.asm().op(Arith.XOR, OpSize.D, Gpr.RAX, Gpr.RAX);
                emission.asm().plain(Plain.RET);
            }
        }
    }

    private List<SlotOffset> offsets(Layout layout) {
        List<SlotOffset> offsets = new ArrayList<>();
        for (Function function : functions) {
            function.flow().blocks().forEach(block -> offsets.add(new SlotOffset(block.slot(), layout.startOf(block))));
        }
        offsets.sort(Comparator.comparingInt(SlotOffset::offset));
        return offsets;
    }
}

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
    private final RunRecord record;
    private int tailEntry;

    ProgramEmitter(ProgSpec program, Facts facts, TargetBinding binding, Set<MachineFeature> features) {
        this.program = program;
        this.facts = facts;
        this.binding = binding;
        this.record = RunRecord.of(program, facts, binding);
        this.features = features;
        this.functions = new ArrayList<>(program.functions().size());
        for (ProgSpec.Function function : program.functions()) {
            if (facts.reachable().get(function.firstSlot())) {
                functions.add(Function.prepare(program, function, facts, binding, features));
            }
        }
    }

    CompiledProgram emit(long codeAddress) {
        return emit(codeAddress, Emission.Addressing.KNOWN).program();
    }

    /** With names in place of the binding's addresses. */
    Linkage emitForLinking() {
        return emit(ANYWHERE, Emission.Addressing.SYMBOLIC);
    }

    private Linkage emit(long codeAddress, Emission.Addressing addressing) {
        List<Layout> first = List.of();
        if (jumps()) {
            Emission measured = new Emission(codeAddress, binding, addressing, features);
            first = write(measured, new CallEmitter(measured), List.of());
        }
        Emission emission = new Emission(codeAddress, binding, addressing, features);
        CallEmitter call = new CallEmitter(emission);
        List<Layout> second = write(emission, call, first);
        return new Linkage(program(codeAddress, emission, call, second), List.copyOf(emission.references()));
    }

    private boolean jumps() {
        for (Function function : functions) {
            if (function.flow().blocks().size() > 1) {
                return true;
            }
        }
        return false;
    }

    private CompiledProgram program(long codeAddress, Emission emission, CallEmitter call, List<Layout> second) {
        byte[] code = emission.asm().finish();
        return new CompiledProgram(
                program.name(),
                codeAddress,
                code,
                emission.clobbers(),
                facts.contextFields(),
                call.tailCalls() ? Facts.ContextUse.ESCAPES : facts.contextUse(),
                call.inputs(),
                call.calledHelpers() ? Calls.HELPERS : Calls.NONE,
                stackBytes(),
                tailEntry,
                offsets(second));
    }

    private int stackBytes() {
        int bytes = 0;
        for (Function function : functions) {
            bytes += function.frame().stackBytes();
        }
        return bytes;
    }

    /** @param before what an earlier pass found out about each function, or nothing */
    private List<Layout> write(Emission emission, CallEmitter call, List<Layout> before) {
        FunctionEmitter emitter = new FunctionEmitter(emission, call);
        if (record != RunRecord.NONE) {
            call.openRecord(record);
        }
        tailEntry = emission.asm().position();
        List<Layout> layouts = new ArrayList<>(functions.size());
        for (Function function : functions) {
            Optional<Layout> earlier = before.isEmpty() ? Optional.empty() : Optional.of(before.get(layouts.size()));
            layouts.add(emitter.function(function, earlier));
        }
        neverRun(emission);
        call.finish();
        return layouts;
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

    private static List<SlotOffset> offsets(List<Layout> layouts) {
        List<SlotOffset> offsets = new ArrayList<>();
        layouts.forEach(layout -> layout.offsets(offsets));
        offsets.sort(Comparator.comparingInt(SlotOffset::offset));
        return offsets;
    }
}

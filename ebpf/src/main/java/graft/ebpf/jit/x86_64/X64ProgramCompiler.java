package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.Linkage;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.platform.proc.CpuFlags;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Compiles for x86-64. One instance serves all threads. */
public final class X64ProgramCompiler implements ProgramCompiler {
    private final Set<MachineFeature> features;

    /** A compiler for every x86-64 processor. */
    public X64ProgramCompiler() {
        this(Set.of());
    }

    /** A compiler for processors that have {@code features}. */
    public X64ProgramCompiler(Set<MachineFeature> features) {
        this.features = Set.copyOf(features);
    }

    /** A compiler for code that runs on this machine. */
    public static X64ProgramCompiler forThisMachine() {
        return new X64ProgramCompiler(MachineFeature.of(CpuFlags.ofThisMachine()));
    }

    /** What became of {@link #compileForLinking}. */
    public sealed interface Linkable {
        /** Code with references. */
        record Code(Linkage linkage) implements Linkable {}

        /** Not possible. */
        record Refused(Compilation.Refused refusal) implements Linkable {}
    }

    /**
     * Compiles {@code program}, whose collection has {@code maps}, for a linker: what is outside of the code is referred to
     * by name.
     */
    public Linkable compileForLinking(ProgSpec program, Facts facts, Map<String, MapSpec> maps) {
        TargetBinding binding = Linkage.binding(maps);
        Optional<Compilation.Refused> refusal = new Support(program, facts, binding).refusal();
        return refusal.<Linkable>map(Linkable.Refused::new)
                .orElseGet(() ->
                        new Linkable.Code(new ProgramEmitter(program, facts, binding, features).emitForLinking()));
    }

    @Override
    public Compilation compile(ProgSpec program, Facts facts, TargetBinding binding, long codeAddress) {
        TargetBinding usable = features.contains(MachineFeature.RDPID) ? binding : binding.withoutRows();
        Optional<Compilation.Refused> refusal = new Support(program, facts, usable).refusal();
        if (refusal.isPresent()) {
            return refusal.get();
        }
        return new Compilation.Compiled(new ProgramEmitter(program, facts, usable, features).emit(codeAddress));
    }
}

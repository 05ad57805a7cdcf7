package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.Optional;

/** Compiles for x86-64. Without state: one instance serves all threads. */
public final class X64ProgramCompiler implements ProgramCompiler {
    /** A compiler. */
    public X64ProgramCompiler() {}

    @Override
    public Compilation compile(ProgSpec program, Facts facts, TargetBinding binding, long codeAddress) {
        Optional<Compilation.Refused> refusal = new Support(program, facts, binding).refusal();
        if (refusal.isPresent()) {
            return refusal.get();
        }
        return new Compilation.Compiled(new ProgramEmitter(program, facts, binding).emit(codeAddress));
    }
}

package graft.cli.vm;

import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.Linkage;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.platform.elf.RelocatableObject;
import java.util.Map;

/**
 * Programs as functions of an object file: {@code long NAME(void *context)}. Whoever links it defines what the code refers
 * to: {@code graft_data_MAP}, the values of an array map, {@code graft_map_MAP}, what helpers take for a map, and {@code
 * graft_helper_NAME}. Characters that C does not allow are underscores: {@code .bss} is {@code graft_data__bss}.
 */
public final class AheadOfTime {
    private AheadOfTime() {}

    /** A program that cannot be compiled. */
    public static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private RefusedException(Compilation.Refused refusal) {
            super(refusal.toString());
        }
    }

    /**
     * Compiles one program.
     *
     * @throws RefusedException when it uses something that compiled code does not offer
     */
    public static RelocatableObject.Function function(ProgSpec program, Facts facts, Map<String, MapSpec> maps) {
        return switch (new X64ProgramCompiler().compileForLinking(program, facts, maps)) {
            case X64ProgramCompiler.Linkable.Refused(var refusal) -> throw new RefusedException(refusal);
            case X64ProgramCompiler.Linkable.Code(Linkage linkage) ->
                new RelocatableObject.Function(
                        program.name(),
                        linkage.program().code(),
                        linkage.references().stream()
                                .map(reference -> new RelocatableObject.Reference(
                                        reference.offset(), reference.symbol(), reference.addend()))
                                .toList());
        };
    }
}

package graft.ebpf.jit;

import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;

/** Compiles verified programs. The result depends on nothing but the arguments. */
public interface ProgramCompiler {
    /**
     * Compiles {@code program} into a function {@code u64 prog(void *ctx, u64 size)} of the machine's C convention: r1
     * and r2 are its arguments, although a verified probe reads r1 only.
     *
     * @param facts what the verifier learned when it accepted exactly this program
     * @param binding the target's addresses and constants
     * @param codeAddress where the first byte will be in the target
     */
    Compilation compile(ProgSpec program, Facts facts, TargetBinding binding, long codeAddress);
}

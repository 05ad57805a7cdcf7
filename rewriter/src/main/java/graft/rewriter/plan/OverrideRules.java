package graft.rewriter.plan;

import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;
import java.util.Optional;

/**
 * Whether a function can be left before its first instruction has run: with a plain {@code ret} and a result in rax, as
 * functions of the C convention are, whatever arguments they have. Nothing is on the stack then but what the caller put there.
 */
final class OverrideRules {
    /** {@code ret imm16}. */
    private static final int RET_IMM16 = 0xc2;

    private final ModuleText module;
    private final TargetIndex index;

    OverrideRules(ModuleText module, TargetIndex index) {
        this.module = module;
        this.index = index;
    }

    /** Why it cannot. */
    Optional<Planned> refusal(FunctionRange function) {
        return why(function)
                .map(why -> new Planned.Refused(
                        Planned.Reason.OVERRIDE_NOT_SAFE,
                        why,
                        "override a function that calls it, or leave bpf_override_return out"));
    }

    private Optional<String> why(FunctionRange function) {
        if (module.traits().contains(ModuleText.Trait.GO)) {
            return Optional.of("functions of Go do not return as those of C do");
        }
        if (function.name().startsWith("_dl_runtime_resolve")) {
            return Optional.of("the dynamic linker enters it with more on the stack than a return address");
        }
        if (popsArguments(function)) {
            return Optional.of("it pops its arguments as it returns");
        }
        if (givesFlags(function)) {
            return Optional.of("it gives something back in the flags");
        }
        return mayReturn(function)
                ? Optional.empty()
                : Optional.of("it never returns, so there is nothing behind its calls to return to");
    }

    boolean popsArguments(FunctionRange function) {
        return index.insns(function).stream()
                .anyMatch(insn -> insn.kind() == InsnKind.RET && insn.opcode() == RET_IMM16);
    }

    boolean givesFlags(FunctionRange function) {
        return index.insns(function).stream()
                .anyMatch(insn -> insn.kind() == InsnKind.RET && givesFlags(function, insn));
    }

    boolean givesFlags(FunctionRange function, X64Insn ret) {
        List<X64Insn> insns = index.insns(function);
        return FlagUse.areGiven(insns.subList(0, insns.indexOf(ret)));
    }

    /** By a return of its own, or of the function that it ends with. */
    private boolean mayReturn(FunctionRange function) {
        return index.insns(function).stream().anyMatch(insn -> switch (insn.kind()) {
            case RET, JMP_INDIRECT -> true;
            case JMP_REL, JCC_REL ->
                insn.branchTarget().filter(target -> !function.contains(target)).isPresent();
            case PLAIN,
                    NOP,
                    ENDBR64,
                    JRCXZ_REL,
                    LOOP_REL,
                    CALL_REL,
                    CALL_INDIRECT,
                    XBEGIN_REL,
                    FAR,
                    SYSCALL,
                    TRAP,
                    INT3,
                    UNDEFINED,
                    HLT -> false;
        });
    }
}

package graft.rewriter.plan;

import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;

/**
 * Where Go's scheduler may take a goroutine off a thread by a signal, at any instruction ({@code isAsyncSafePoint} in
 * runtime/preempt.go). The goroutine goes on there later, and no thread's program counter says so meanwhile.
 */
final class Goroutines {
    private Goroutines() {}

    /** Not in the runtime itself, nor in C functions. */
    static boolean mayBePreemptedIn(ModuleText module, FunctionRange function) {
        return isGo(module, function)
                && !function.name().startsWith("runtime.")
                && !function.name().startsWith("runtime/");
    }

    /** Not C functions, whose names have no package. */
    private static boolean isGo(ModuleText module, FunctionRange function) {
        boolean isC = function.isNamed() && function.name().indexOf('.') < 0;
        return module.traits().contains(ModuleText.Trait.GO) && !isC;
    }

    /** Go's compiler makes no system calls, and its scheduler leaves goroutines in assembly alone. */
    static boolean isAssembly(List<X64Insn> insns) {
        return insns.stream().anyMatch(insn -> insn.kind() == InsnKind.SYSCALL);
    }

    /**
     * Whether a thread that a signal interrupts behind the function, in the padding, ends the process: Go looks there, for a profile too,
     * what its tables say of that instruction, which is nothing ({@code pcvalue} in runtime/symtab.go).
     */
    static boolean mayNotRunBehind(ModuleText module, FunctionRange function) {
        return isGo(module, function);
    }
}

package graft.rewriter.plan;

/**
 * Where Go's scheduler may take a goroutine off a thread by a signal, at any instruction ({@code isAsyncSafePoint} in
 * runtime/preempt.go). The goroutine goes on there later, and no thread's program counter says so meanwhile.
 */
final class Goroutines {
    private Goroutines() {}

    /** Not in the runtime itself, nor in C functions, whose names have no package. */
    static boolean mayBePreemptedIn(ModuleText module, FunctionRange function) {
        boolean isC = function.isNamed() && function.name().indexOf('.') < 0;
        return module.traits().contains(ModuleText.Trait.GO)
                && !isC
                && !function.name().startsWith("runtime.")
                && !function.name().startsWith("runtime/");
    }
}

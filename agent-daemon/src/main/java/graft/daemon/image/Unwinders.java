package graft.daemon.image;

import graft.rewriter.plan.Unwinding;
import graft.uprobe.TargetModules;

/** Looks for code that walks stacks. */
public final class Unwinders {
    private Unwinders() {}

    /** Whether such code is loaded: C++ exceptions, thread cancellation, backtraces. */
    public static Unwinding of(TargetModules modules) {
        boolean library = modules.paths().stream()
                .map(path -> path.substring(path.lastIndexOf('/') + 1))
                .anyMatch(name ->
                        name.startsWith("libgcc_s") || name.startsWith("libstdc++") || name.startsWith("libunwind"));
        boolean builtIn = modules.executable()
                .map(module -> !module.elf()
                        .functions()
                        .named("_Unwind_RaiseException")
                        .isEmpty())
                .orElse(false);
        return library || builtIn ? Unwinding.POSSIBLE : Unwinding.ABSENT;
    }
}

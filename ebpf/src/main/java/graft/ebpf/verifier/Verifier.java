package graft.ebpf.verifier;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Decides whether a program is safe: walks every path with an abstract state and refuses what it cannot prove. Immutable;
 * each {@link #verify} is independent, so one verifier may serve several threads.
 */
public final class Verifier {
    private final Map<String, MapSpec> maps;
    private final Limits limits;

    private Verifier(Map<String, MapSpec> maps, Limits limits) {
        this.maps = Map.copyOf(maps);
        this.limits = limits;
    }

    /** A verifier for programs that use {@code maps}, with the kernel's limits. */
    public static Verifier of(Map<String, MapSpec> maps) {
        return new Verifier(maps, Limits.KERNEL);
    }

    /** A verifier with limits of its own. */
    public static Verifier of(Map<String, MapSpec> maps, Limits limits) {
        return new Verifier(maps, limits);
    }

    /** Verifies with the context of the program's type. */
    public Verdict verify(ProgSpec prog) {
        return ContextLayout.of(prog.type())
                .map(layout -> verify(prog, layout))
                .orElseGet(() -> new Verdict.Rejected(unsupportedType(prog)));
    }

    /** Verifies with a given context. */
    public Verdict verify(ProgSpec prog, ContextLayout context) {
        return new Verdict.Rejected(unsupportedType(prog));
    }

    private static Rejection unsupportedType(ProgSpec prog) {
        return new Rejection(
                prog.name(),
                Cause.UNSUPPORTED,
                0,
                "SEC(\"" + prog.section() + "\")",
                List.of(),
                "programs of this type do not run in user space",
                List.of(),
                Optional.empty(),
                "let the kernel run it");
    }
}

package graft.ebpf.verifier;

import graft.ebpf.insn.Disassembler;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgSpec.SourceLine;
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
        FlowGraph graph;
        try {
            graph = FlowGraph.of(prog);
        } catch (FlowGraph.Malformed malformed) {
            return rejected(prog, malformed.finding(), malformed.slot(), Trail.START);
        }
        Walk walk = new Walk(prog, maps, context, limits, graph);
        try {
            walk.run();
        } catch (Refused refused) {
            return rejected(prog, refused.finding(), walk.slot(), walk.trail());
        }
        return withinStack(prog, graph, walk);
    }

    private static Verdict withinStack(ProgSpec prog, FlowGraph graph, Walk walk) {
        int bytes;
        try {
            bytes = StackBudget.of(prog.insns(), graph, walk.notes());
        } catch (Refused refused) {
            return rejected(prog, refused.finding(), 0, Trail.START);
        }
        if (bytes > Frame.STACK_BYTES) {
            Finding finding = Finding.of(
                    Cause.STACK_TOO_LARGE,
                    "the deepest chain of calls needs %d bytes of stack, %d are allowed"
                            .formatted(bytes, Frame.STACK_BYTES),
                    "put large data into a map");
            return rejected(prog, finding, 0, Trail.START);
        }
        return new Verdict.Accepted(walk.notes().facts(bytes, walk.walked()));
    }

    private static Verdict rejected(ProgSpec prog, Finding finding, int slot, Trail trail) {
        String insn =
                prog.insns().startsAt(slot) ? Disassembler.text(prog.insns().at(slot)) : "";
        return new Verdict.Rejected(new Rejection(
                prog.name(),
                finding.cause(),
                slot,
                insn,
                finding.registers(),
                finding.why(),
                trail.upTo(slot),
                source(prog, slot),
                finding.suggestion()));
    }

    private static Optional<SourceLine> source(ProgSpec prog, int slot) {
        return prog.lines().stream().filter(line -> line.slot() <= slot).reduce((_, later) -> later);
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

package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.insn.Disassembler;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.KernelSection;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgSpec.SourceLine;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Decides whether a program is safe: walks every path with an abstract state and refuses what it cannot prove. Immutable;
 * each {@link #verify} is independent, so one verifier may serve several threads.
 */
public final class Verifier {
    private static final KernelSection UNKNOWN_SECTION =
            new KernelSection(KernelType.KPROBE, "uprobe", "", KernelSection.Sleep.NEVER);

    private final Map<String, MapSpec> maps;
    private final Limits limits;
    private final Home home;
    private final Optional<Btf> objectTypes;
    private final Optional<Btf> kernelTypes;
    private final Set<Permission> permissions;

    /** Where accepted programs run. */
    private enum Home {
        TARGET,
        KERNEL
    }

    private Verifier(
            Map<String, MapSpec> maps,
            Limits limits,
            Home home,
            Optional<Btf> objectTypes,
            Optional<Btf> kernelTypes,
            Set<Permission> permissions) {
        this.maps = Map.copyOf(maps);
        this.limits = limits;
        this.home = home;
        this.objectTypes = objectTypes;
        this.kernelTypes = kernelTypes;
        this.permissions = Set.copyOf(permissions);
    }

    /** A verifier for programs that use {@code maps} in a target process, with the kernel's limits. */
    public static Verifier of(Map<String, MapSpec> maps) {
        return of(maps, Limits.KERNEL);
    }

    /** A verifier with limits of its own. */
    public static Verifier of(Map<String, MapSpec> maps, Limits limits) {
        return new Verifier(maps, limits, Home.TARGET, Optional.empty(), Optional.empty(), Set.of());
    }

    /** A verifier for programs of an object in a target process: it knows the object's types. */
    public static Verifier of(CollectionSpec object) {
        return new Verifier(object.maps(), Limits.KERNEL, Home.TARGET, types(object), Optional.empty(), Set.of());
    }

    /**
     * A verifier that says what the kernel would say: all program types and helpers of the kernel, for a loader with all
     * rights.
     */
    public static Verifier likeKernel(CollectionSpec object, Optional<Btf> kernelTypes) {
        return new Verifier(object.maps(), Limits.KERNEL, Home.KERNEL, types(object), kernelTypes, Set.of());
    }

    /** The same verifier with limits of its own. */
    public Verifier withLimits(Limits other) {
        return new Verifier(maps, other, home, objectTypes, kernelTypes, permissions);
    }

    /** The same verifier for programs that may do more. */
    public Verifier allowing(Set<Permission> others) {
        return new Verifier(maps, limits, home, objectTypes, kernelTypes, others);
    }

    private static Optional<Btf> types(CollectionSpec object) {
        return object.btf().map(raw -> Btf.parse(raw.bytes()));
    }

    /** Verifies with the context of the program's type. */
    public Verdict verify(ProgSpec prog) {
        Optional<KernelSection> section = prog.kernelSection();
        Optional<ContextLayout> context = ContextLayout.of(prog.type());
        if (section.isEmpty() || home == Home.TARGET && context.isEmpty()) {
            return new Verdict.Rejected(unsupportedType(prog));
        }
        Optional<ContextLayout> own = home == Home.TARGET ? context : Optional.empty();
        return verify(new Setting(prog, section.get(), own, objectTypes, kernelTypes, permissions), Observer.NONE);
    }

    /** Verifies with a given context. */
    public Verdict verify(ProgSpec prog, ContextLayout context) {
        return verify(prog, context, Observer.NONE);
    }

    /** Verifies while somebody looks on. */
    Verdict verify(ProgSpec prog, ContextLayout context, Observer observer) {
        KernelSection section = prog.kernelSection().orElse(UNKNOWN_SECTION);
        return verify(
                new Setting(prog, section, Optional.of(context), objectTypes, kernelTypes, permissions), observer);
    }

    private Verdict verify(Setting setting, Observer observer) {
        ProgSpec prog = setting.prog();
        FlowGraph graph;
        try {
            graph = FlowGraph.of(prog);
        } catch (FlowGraph.Malformed malformed) {
            return rejected(prog, malformed.finding(), malformed.slot(), Trail.START);
        }
        Walk walk = new Walk(setting, maps, limits, graph, observer);
        try {
            walk.run();
        } catch (Refused refused) {
            return rejected(prog, refused.finding(), walk.slot(), walk.trail());
        }
        Optional<TimerRules.Broken> broken = setting.isForTarget()
                ? TimerRules.broken(prog, graph, walk.notes().timerFunctions(), maps)
                : Optional.empty();
        return broken.<Verdict>map(rule -> rejected(prog, rule.finding(), rule.slot(), Trail.START))
                .orElseGet(() -> withinStack(prog, graph, walk));
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
        return new Verdict.Accepted(walk.notes().facts(bytes, walk.walked(), walk.arena(), walk.mapNames()));
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

package graft.daemon.image;

import graft.attach.AgentImage;
import graft.attach.Injection;
import graft.daemon.PatchRequest;
import graft.daemon.SessionRefusal;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import graft.rewriter.plan.CodePlanner;
import graft.rewriter.plan.CodeSpace;
import graft.rewriter.plan.FunctionRange;
import graft.rewriter.plan.ModuleText;
import graft.rewriter.plan.Planned;
import graft.rewriter.plan.PoolPlacement;
import graft.rewriter.stub.RuntimeRegion;
import graft.uprobe.AttachPoint;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Assembles what a patch of code puts into one process, before the process is touched. */
public final class PatchImage {
    private static final long PAGE = 4096;
    private static final int ALIGNMENT = 64;

    private final PatchRequest request;
    private final TargetModules modules;
    private final ProcMem memory;
    private final AgentImage agent;
    private final AttachPoint point;
    private final TargetModule module;
    private final ModuleText text;
    private final FunctionRange function;

    private PatchImage(
            PatchRequest request, TargetModules modules, ProcMem memory, AgentImage agent, AttachPoint point) {
        this.request = request;
        this.modules = modules;
        this.memory = memory;
        this.agent = agent;
        this.point = point;
        this.module = modules.holding(point.address()).orElseThrow();
        this.text = ModuleTexts.holding(module, point.entry());
        this.function = ProbeCollector.range(module, point);
    }

    /** The outcome. */
    public sealed interface Assembly {
        /** Ready to be attached. */
        record Assembled(Injection injection, AttachPoint point) implements Assembly {}

        /** Not possible, and why. */
        record Refused(SessionRefusal refusal) implements Assembly {}
    }

    /**
     * Assembles the image.
     *
     * @throws graft.platform.proc.NoSuchProcessException when there is no such process
     * @throws graft.platform.linux.SysException when the process may not be read
     */
    public static Assembly assemble(PatchRequest request, AgentImage agent) {
        try (TargetModules modules = TargetModules.of(request.pid());
                ProcMem memory = ProcMem.open(request.pid())) {
            Resolution resolution = new SymbolResolver(modules).resolve(request.place());
            if (!(resolution instanceof Resolution.Found(var points))) {
                return new Assembly.Refused(new SessionRefusal.ProbeNotFound(request.pid(), resolution));
            }
            if (points.size() != 1) {
                return new Assembly.Refused(new SessionRefusal.PatchRefused(
                        request.pid(),
                        request.place().toString(),
                        "it names " + points.size() + " places",
                        "name one: FILE:FUNCTION or FILE:FUNCTION+OFFSET"));
            }
            return new PatchImage(request, modules, memory, agent, points.getFirst()).assemble();
        }
    }

    private Assembly refused(String why, String suggestion) {
        return new Assembly.Refused(new SessionRefusal.PatchRefused(request.pid(), point.name(), why, suggestion));
    }

    private Assembly assemble() {
        Optional<Assembly> unexpected = request.old().flatMap(this::unexpected);
        if (unexpected.isPresent()) {
            return unexpected.get();
        }
        long code = switch (request.change()) {
            case PatchRequest.Change.Instructions(var given) -> CodePlanner.maxBytes(given.length());
            case PatchRequest.Change.Function(var given) ->
                CodePlanner.maxBytes(0) + ALIGNMENT + FunctionLinker.maxBytes(given);
        };
        long size = (PoolConstants.CODE_OFFSET + code + PAGE - 1) & -PAGE;
        List<PoolPlacement.Range> occupied = new ArrayList<>();
        for (MemoryMapping mapping : modules.maps().mappings()) {
            occupied.add(new PoolPlacement.Range(mapping.start(), mapping.end()));
        }
        return PoolPlacement.choose(occupied, TargetImage.range(module), PoolConstants.RUNTIME_SIZE + size)
                .map(start -> assemble(new PoolBuilder(start.plus(PoolConstants.RUNTIME_SIZE), size, agent), size))
                .orElseGet(() -> new Assembly.Refused(new SessionRefusal.NoRoom(request.pid(), module.path())));
    }

    /** What is there when it is not what the caller has said. */
    private Optional<Assembly> unexpected(Code old) {
        int offset = (int) point.address().minus(text.start());
        Code file = Code.of(Arrays.copyOfRange(text.text(), offset, offset + old.length()));
        if (!file.equals(old)) {
            return Optional.of(refused("its bytes are " + file + " and not " + old, "look at the place again"));
        }
        Code now = Code.of(memory.readBytes(point.address(), old.length()));
        return now.equals(old)
                ? Optional.empty()
                : Optional.of(refused("somebody has changed them already: " + now, "undo that first"));
    }

    private Assembly assemble(PoolBuilder builder, long size) {
        CodePlanner planner = new CodePlanner(text, space(builder));
        Planned planned;
        switch (request.change()) {
            case PatchRequest.Change.Instructions(var code) ->
                planned = request.old()
                        .map(old -> planner.instead(
                                function, point.address(), code, CodePlanner.Extent.EXACT, old.length()))
                        .orElseGet(() -> planner.instead(
                                function, point.address(), code, CodePlanner.Extent.AT_LEAST, code.length()));
            case PatchRequest.Change.Function(var given) -> {
                if (!point.address().equals(point.entry())) {
                    return refused("a function begins at " + point.function() + " only", "leave the offset out");
                }
                RemoteAddress place = builder.reserve(ALIGNMENT + FunctionLinker.maxBytes(given));
                place = place.plus(-place.value() & ALIGNMENT - 1);
                switch (new FunctionLinker(modules, module).link(given, place)) {
                    case FunctionLinker.Linking.Refused(var why) -> {
                        return refused(why, "define it in the object, or name what the process has");
                    }
                    case FunctionLinker.Linking.Linked(var code) ->
                        builder.fill(place, code, "function " + given.name());
                }
                planned = planner.redirect(function, place.plus(given.entry()));
            }
        }
        return switch (planned) {
            case Planned.Inside inside -> throw new AssertionError(inside);
            case Planned.Refused(var _, var why, var suggestion) -> refused(why, suggestion);
            case Planned.Patchable(var sites) ->
                new Assembly.Assembled(
                        new Injection(
                                request.pid(),
                                List.of(new Injection.Pool(
                                        builder.pool(),
                                        size,
                                        RuntimeImage.of(
                                                environment(),
                                                new RuntimeImage.Pool(
                                                        size,
                                                        builder.pool(),
                                                        Optional.empty(),
                                                        RuntimeImage.Shared.NONE),
                                                TaskFields.NONE,
                                                RuntimeImage.Maps.NONE))),
                                List.of(),
                                new PatchPlan(sites, builder.blocks())),
                        point);
        };
    }

    /** Nothing here asks for the process's number, so forked ones may run it as well. */
    private TargetEnvironment environment() {
        return TargetEnvironment.of(modules, memory, RuntimeRegion.ForkedChildren.LEFT);
    }

    private static CodeSpace space(PoolBuilder builder) {
        return new CodeSpace() {
            @Override
            public RemoteAddress next() {
                return builder.next();
            }

            @Override
            public RemoteAddress active() {
                return builder.runtime();
            }

            @Override
            public void add(RemoteAddress address, Code code, String purpose) {
                builder.add(address, code, purpose);
            }
        };
    }
}

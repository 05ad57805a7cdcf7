package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.rewriter.PatchSite.Liveness;
import graft.rewriter.PatchSite.Tactic;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.stub.Stub;
import graft.rewriter.stub.StubWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Leads places of a module to stubs: by a jump that replaces whole instructions, or, where there is no room for one, by a
 * short jump to a long one nearby: in unreachable padding, or where instructions were that nothing jumps between. No two
 * sites share a byte.
 */
final class SiteWriter {
    private static final int SHORT_FORWARD = Byte.MAX_VALUE;
    private static final int SHORT_BACKWARD = -Byte.MIN_VALUE;

    private final ModuleText module;
    private final TargetIndex index;
    private final CodeSpace space;
    private final Neighbourhood neighbourhood;
    private final TreeMap<RemoteAddress, PatchSite> taken = new TreeMap<>();

    SiteWriter(ModuleText module, TargetIndex index, CodeSpace space) {
        this.module = module;
        this.index = index;
        this.space = space;
        this.neighbourhood = new Neighbourhood(index);
    }

    /** The site at an instruction of a function. */
    Site at(FunctionRange function, RemoteAddress address, Function<Window, Stub> stub) {
        List<X64Insn> insns = index.insnsFrom(function, address);
        if (insns.isEmpty()) {
            return Site.refused(Planned.Reason.NOT_DECODED, "the code at " + address + " is not understood");
        }
        Site site = forward(function, insns, Window.JUMP_LENGTH, stub);
        if (site instanceof Site.Written) {
            return site;
        }
        // The reason why there is no room for a long jump is the one to report.
        Site near = forward(function, insns, Window.SHORT_JUMP_LENGTH, stub);
        return near instanceof Site.Written ? near : site;
    }

    private Site forward(FunctionRange function, List<X64Insn> insns, int jump, Function<Window, Stub> stub) {
        return switch (Window.forwardFrom(insns, 0, jump)) {
            case Window.Search.Found(var window) -> at(function, window, stub);
            case Window.Search.None(var reason, var why) -> Site.refused(reason, why);
        };
    }

    /** The site of one window. */
    Site at(FunctionRange function, Window window, Function<Window, Stub> stub) {
        Optional<PatchSite> other = taken(window.start(), window.patchEnd());
        if (other.isPresent()) {
            return Site.refused(
                    Planned.Reason.TAKEN,
                    "its bytes belong to the probe at " + other.get().symbol());
        }
        List<String> checks = new ArrayList<>();
        if (!window.isSingle() || window.padding() > 0) {
            Optional<String> target = index.targetInside(function, window.start(), window.patchEnd())
                    .or(() -> index.preemptionInside(function, window.start(), window.patchEnd()));
            if (target.isPresent()) {
                return Site.refused(Planned.Reason.BRANCH_TARGET, target.get());
            }
            checks.add("no jump lands inside (" + module.text().length + " bytes of " + module.name() + " scanned)");
        } else {
            checks.add("one instruction is replaced: no jump and no thread can be inside");
        }
        if (window.isShort()) {
            return through(function, window, stub, checks);
        }
        return switch (stub.apply(window)) {
            case Stub.Refused(var cause) -> notMovable(cause);
            case Stub.Written written -> {
                PatchSite site = patch(function, window, written, written.entry(), checks);
                taken.put(site.address(), site);
                yield new Site.Written(List.of(site));
            }
        };
    }

    private static Site notMovable(Relocation.Refused cause) {
        return Site.refused(
                Planned.Reason.NOT_MOVABLE,
                "the instruction at " + cause.insn().address() + " cannot be moved: " + cause.reason());
    }

    /** The short jump leads to the long one in padding that nothing reaches, or in the place of code that is moved. */
    private Site through(FunctionRange function, Window window, Function<Window, Stub> stub, List<String> checks) {
        Optional<RemoteAddress> padding =
                Goroutines.mayNotRunBehind(module, function) ? Optional.empty() : freePadding(window);
        if (padding.isPresent()) {
            return throughPadding(function, window, stub, checks, padding.get());
        }
        Optional<Room> room = room(window);
        return room.isPresent()
                ? throughRoom(function, window, stub, checks, room.get())
                : Site.refused(
                        Planned.Reason.TOO_SHORT,
                        "no unreachable padding and no movable code is near enough to " + window.start());
    }

    private Site throughPadding(
            FunctionRange function,
            Window window,
            Function<Window, Stub> stub,
            List<String> checks,
            RemoteAddress padding) {
        return switch (stub.apply(window)) {
            case Stub.Refused(var cause) -> notMovable(cause);
            case Stub.Written written -> {
                checks.add("the padding at " + padding + " is reached by nothing");
                PatchSite site = patch(function, window, written, padding, checks);
                PatchSite hop = hop(function, padding, written.entry());
                taken.put(site.address(), site);
                taken.put(hop.address(), hop);
                yield new Site.Written(List.of(site, hop));
            }
        };
    }

    /** Code that is moved for a site, and where to. */
    private record Room(Window window, Stub.Written moved) {
        RemoteAddress jump() {
            return window.start().plus(Window.JUMP_LENGTH);
        }
    }

    private Optional<Room> room(Window site) {
        if (module.traits().contains(ModuleText.Trait.GO)) {
            return Optional.empty(); // goroutines that do not run may be anywhere in it
        }
        RemoteAddress origin = site.patchEnd();
        return neighbourhood
                .rooms(origin.plus(-SHORT_BACKWARD), origin.plus(SHORT_FORWARD))
                .filter(window -> isBeside(window, site) && isFree(window))
                .flatMap(window ->
                        new StubWriter(space.next()).room(window.insns(), window.back()) instanceof Stub.Written moved
                                ? Stream.of(new Room(window, moved))
                                : Stream.empty())
                .findFirst();
    }

    private static boolean isBeside(Window room, Window site) {
        return room.back().compareTo(site.start()) <= 0 || room.start().compareTo(site.back()) >= 0;
    }

    /** Whether no other site has bytes or moved instructions there. */
    private boolean isFree(Window room) {
        return taken.subMap(room.start().plus(-SHORT_BACKWARD), room.back()).values().stream()
                .noneMatch(site -> site.movedEnd().compareTo(room.start()) > 0);
    }

    private Site throughRoom(
            FunctionRange function, Window window, Function<Window, Stub> stub, List<String> checks, Room room) {
        Stub.Written moved = room.moved();
        space.add(moved.address(), moved.code(), "code moved for " + function.name());
        return switch (stub.apply(window)) {
            case Stub.Refused(var cause) -> notMovable(cause);
            case Stub.Written written -> {
                checks.add("the code at " + room.window().start() + " makes room: no jump lands inside");
                PatchSite site =
                        patch(function, window, written, room.jump(), checks).with(Tactic.NEIGHBOUR);
                PatchSite neighbour = neighbour(function, room, written.entry());
                taken.put(site.address(), site);
                taken.put(neighbour.address(), neighbour);
                yield new Site.Written(List.of(site, neighbour));
            }
        };
    }

    private PatchSite neighbour(FunctionRange function, Room room, RemoteAddress stub) {
        RemoteAddress start = room.window().start();
        byte[] jumps = new byte[Neighbourhood.ROOM];
        System.arraycopy(longJump(start, room.moved().entry()).bytes(), 0, jumps, 0, Window.JUMP_LENGTH);
        System.arraycopy(longJump(room.jump(), stub).bytes(), 0, jumps, Window.JUMP_LENGTH, Window.JUMP_LENGTH);
        return new PatchSite(
                start,
                "code near " + function.name(),
                old(start, jumps.length),
                Code.of(jumps),
                room.moved().moved().stream().map(SiteWriter::movedInsn).toList(),
                Tactic.NEIGHBOUR,
                Liveness.STOP_REQUIRED,
                List.of("its instructions go on elsewhere, and no jump lands inside"));
    }

    private Optional<RemoteAddress> freePadding(Window window) {
        RemoteAddress origin = window.patchEnd();
        RemoteAddress lowest = origin.plus(-SHORT_BACKWARD);
        RemoteAddress highest = origin.plus(SHORT_FORWARD);
        return index.deadPadding(lowest, highest.plus(Window.JUMP_LENGTH)).stream()
                .flatMap(gap -> places(gap).stream())
                .filter(place -> place.compareTo(lowest) >= 0 && place.compareTo(highest) <= 0)
                .filter(place -> taken(place, place.plus(Window.JUMP_LENGTH)).isEmpty())
                .findFirst();
    }

    /** Where in a gap long jumps may stand, one behind the other. */
    private static List<RemoteAddress> places(TargetIndex.Gap gap) {
        List<RemoteAddress> places = new ArrayList<>();
        RemoteAddress place = gap.start();
        while (place.plus(Window.JUMP_LENGTH).compareTo(gap.end()) <= 0) {
            places.add(place);
            place = place.plus(Window.JUMP_LENGTH);
        }
        return places;
    }

    private PatchSite hop(FunctionRange function, RemoteAddress at, RemoteAddress stub) {
        return new PatchSite(
                at,
                "padding near " + function.name(),
                old(at, Window.JUMP_LENGTH),
                longJump(at, stub),
                List.of(),
                Tactic.SHORT_JUMP,
                Liveness.NO_INNER_BOUNDARY,
                List.of("it is behind an instruction that never falls through, and no jump lands inside"));
    }

    /** A site whose bytes overlap {@code [start, end)}. */
    private Optional<PatchSite> taken(RemoteAddress start, RemoteAddress end) {
        return Optional.ofNullable(taken.lowerEntry(end))
                .map(java.util.Map.Entry::getValue)
                .filter(site -> site.end().compareTo(start) > 0);
    }

    /** Gives up sites that were written but will not be used. Their stubs stay in the code space, unreached. */
    void forget(List<PatchSite> sites) {
        sites.forEach(site -> taken.remove(site.address()));
    }

    /** Takes back {@link #forget}. */
    void keep(List<PatchSite> sites) {
        sites.forEach(site -> taken.put(site.address(), site));
    }

    private PatchSite patch(
            FunctionRange function, Window window, Stub.Written stub, RemoteAddress to, List<String> checks) {
        String symbol = function.name() + "+" + window.start().minus(function.start());
        space.add(stub.address(), stub.code(), "stub of " + symbol);
        List<PatchSite.MovedInsn> moved =
                stub.moved().stream().map(SiteWriter::movedInsn).toList();
        return new PatchSite(
                window.start(),
                symbol,
                old(window.start(), window.jump()),
                window.isShort() ? shortJump(window.patchEnd(), to) : longJump(window.start(), to),
                moved,
                tactic(window),
                window.isSingle() ? Liveness.NO_INNER_BOUNDARY : Liveness.STOP_REQUIRED,
                checks);
    }

    private Code old(RemoteAddress at, int length) {
        int offset = module.offsetOf(at);
        return Code.of(Arrays.copyOfRange(module.text(), offset, offset + length));
    }

    private static Code longJump(RemoteAddress at, RemoteAddress to) {
        X64Assembler jump = new X64Assembler(at.value());
        jump.jmp(to.value());
        return Code.of(jump.finish());
    }

    private static Code shortJump(RemoteAddress end, RemoteAddress to) {
        return Code.of(new byte[] {(byte) 0xeb, (byte) to.minus(end)});
    }

    private static PatchSite.MovedInsn movedInsn(Relocation.Moved moved) {
        Code bytes = Code.of(moved.insn().bytes());
        return new PatchSite.MovedInsn(moved.insn().address(), moved.to(), bytes, bytes.toString());
    }

    private static Tactic tactic(Window window) {
        if (window.isShort()) {
            return Tactic.SHORT_JUMP;
        }
        if (!window.isSingle()) {
            return Tactic.WINDOW;
        }
        return switch (window.insns().getFirst().kind()) {
            case NOP -> Tactic.PADDING_NOP;
            case JMP_REL -> Tactic.RETARGET;
            default -> Tactic.SINGLE_INSN;
        };
    }
}

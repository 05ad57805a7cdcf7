package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.TracerConstants;
import graft.platform.layout.WindowLayout;
import graft.platform.linux.Errno;
import graft.platform.proc.MemoryMapping;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchSite;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The operations that apply a plan while all threads are stopped: verify all sites, move program counters, write. */
final class Patcher {
    private final Target target;
    private final PatchPlan plan;
    private final List<TextSpan> spans;

    Patcher(Target target, PatchPlan plan) {
        this.target = target;
        this.plan = plan;
        this.spans = TextSpan.of(
                target,
                plan.sites().stream()
                        .map(site -> new UndoRecord.Site(site.address(), site.oldBytes(), site.newBytes(), 0))
                        .toList());
    }

    /** The first reason why the plan cannot be applied as it stands. */
    Optional<Refusal> verify() {
        for (PatchSite site : plan.sites()) {
            byte[] now =
                    target.memory().readBytes(site.address(), site.oldBytes().length());
            if (!Arrays.equals(now, site.oldBytes().bytes())) {
                return Optional.of(new Refusal(
                        Refusal.Kind.TEXT_DIFFERS,
                        "the text at " + site.symbol() + " (" + site.address() + ") is " + Code.of(now)
                                + " and the plan expects " + site.oldBytes(),
                        "plan again; if it stays so, another tool has patched the process"));
            }
        }
        return Optional.empty();
    }

    /** How many operations {@link #prepare} adds. */
    int operations() {
        return 2 * spans.size() + 1;
    }

    /** Verifies, moves the program counters that are inside a window, all of them or none, then writes. */
    void prepare(Operations operations) {
        for (TextSpan span : spans) {
            add(operations, "", TracerConstants.OP_VERIFY, span.address(), span.original());
        }
        if (plan.sites().stream().anyMatch(site -> site.liveness() == PatchSite.Liveness.STOP_REQUIRED)) {
            List<MemoryMapping> mappings = ProcMaps.read(target.pid()).mappings();
            operations.lookAtFrames(Stacks.of(mappings, operations.arena(), Stacks.buffer(operations.arena())));
        }
        MemorySegment windows = windows(operations.arena());
        operations.add(TracerConstants.OP_MOVE, windows.address(), plan.sites().size());
        for (TextSpan span : spans) {
            add(operations, "site-written", TracerConstants.OP_WRITE, span.address(), span.ours());
        }
    }

    private static void add(Operations operations, String step, int code, RemoteAddress address, byte[] content) {
        MemorySegment bytes = operations.bytes(content);
        operations.addStep(step, code, address.value(), bytes.address(), bytes.byteSize());
    }

    /** A program counter at the start of a site is right before and after. */
    private MemorySegment windows(Arena arena) {
        List<PatchSite> sites = plan.sites();
        MemorySegment windows = arena.allocate(Math.max(1, (long) sites.size() * WindowLayout.SIZE), 8);
        for (int i = 0; i < sites.size(); i++) {
            PatchSite site = sites.get(i);
            MemorySegment moves = arena.allocate(Math.max(1, site.moved().size() * 16L), 8);
            for (int moved = 0; moved < site.moved().size(); moved++) {
                PatchSite.MovedInsn insn = site.moved().get(moved);
                moves.setAtIndex(JAVA_LONG, 2L * moved, insn.from().value());
                moves.setAtIndex(JAVA_LONG, 2L * moved + 1, insn.to().value());
            }
            MemorySegment window = windows.asSlice((long) i * WindowLayout.SIZE, WindowLayout.SIZE);
            window.set(JAVA_LONG, WindowLayout.START, site.address().value());
            window.set(JAVA_LONG, WindowLayout.END, site.end().value());
            window.set(JAVA_LONG, WindowLayout.MOVES, moves.address());
            window.set(JAVA_LONG, WindowLayout.MOVE_COUNT, site.moved().size());
            window.set(JAVA_LONG, WindowLayout.SITE, i);
        }
        return windows;
    }

    /** What a failure of these operations means to the user; empty when it is none of theirs. */
    Optional<Refusal> refusal(Operations.Failure failure) {
        return switch (failure.code()) {
            case TracerConstants.OP_VERIFY ->
                failure.errno() == Errno.EUCLEAN ? verify().or(() -> changed(failure)) : Optional.empty();
            case TracerConstants.OP_MOVE -> failure.errno() == Errno.EBUSY ? inWindow(failure) : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static Optional<Refusal> changed(Operations.Failure failure) {
        return Optional.of(new Refusal(
                Refusal.Kind.TEXT_DIFFERS,
                "the text near " + failure.place() + " has changed while the attach was prepared",
                "attach again"));
    }

    private Optional<Refusal> inWindow(Operations.Failure failure) {
        PatchSite site = plan.sites().get((int) failure.place().value());
        return Optional.of(new Refusal(
                Refusal.Kind.THREAD_IN_WINDOW,
                "thread " + failure.thread() + " is inside " + site.symbol() + " at " + site.address(),
                "attach again"));
    }
}

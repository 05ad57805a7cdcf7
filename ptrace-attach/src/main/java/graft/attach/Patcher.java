package graft.attach;

import graft.platform.linux.UserRegs;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchSite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Applies a plan while all threads are stopped: verifies all sites, moves program counters, writes. */
final class Patcher {
    private static final int SYSCALL_BYTES = 2;

    private final Target target;
    private final PatchPlan plan;

    Patcher(Target target, PatchPlan plan) {
        this.target = target;
        this.plan = plan;
    }

    /** The first reason why the plan cannot be applied as it stands. */
    Optional<Refusal> verify() {
        for (PatchSite site : plan.sites()) {
            byte[] now =
                    target.memory().readBytes(site.address(), site.oldBytes().length());
            if (!Arrays.equals(now, site.oldBytes().bytes())) {
                return Optional.of(new Refusal(
                        Refusal.Kind.TEXT_DIFFERS,
                        "the text at " + site.symbol() + " (" + site.address() + ") is " + graft.rewriter.Code.of(now)
                                + " and the plan expects " + site.oldBytes(),
                        "plan again; if it stays so, another tool has patched the process"));
            }
        }
        return Optional.empty();
    }

    private record Move(TracedThread thread, long to) {}

    /** Moves the program counters that are inside a window: all of them, or none and the reason. */
    Optional<Refusal> moveThreads(List<TracedThread> stopped) {
        List<Move> moves = new ArrayList<>();
        for (TracedThread thread : stopped) {
            long back = TracedThread.restarts(thread.registers) ? SYSCALL_BYTES : 0;
            long next = thread.programCounter() - back;
            for (PatchSite site : plan.sites()) {
                if (next > site.address().value() && next < site.end().value()) {
                    Optional<PatchSite.MovedInsn> moved = site.moved().stream()
                            .filter(insn -> insn.from().value() == next)
                            .findFirst();
                    if (moved.isEmpty()) {
                        return Optional.of(inWindow(thread, next, site));
                    }
                    moves.add(new Move(thread, moved.get().to().value() + back));
                }
            }
        }
        // Before the text changes: a moved program counter is right then too, as the pool is mapped.
        for (Move move : moves) {
            UserRegs.RIP.set(move.thread().registers, move.to());
            TracedThread.repair(move.thread().registers);
            move.thread().writeRegisters();
        }
        return Optional.empty();
    }

    private static Refusal inWindow(TracedThread thread, long at, PatchSite site) {
        return new Refusal(
                Refusal.Kind.THREAD_IN_WINDOW,
                "thread " + thread.tid + " is at 0x" + Long.toHexString(at) + ", inside " + site.symbol(),
                "attach again");
    }

    void write() {
        for (PatchSite site : plan.sites()) {
            target.steps().before("site-written");
            target.memory().writeBytes(site.address(), site.newBytes().bytes());
        }
    }
}

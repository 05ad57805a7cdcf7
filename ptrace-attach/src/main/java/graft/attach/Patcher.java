package graft.attach;

import graft.platform.linux.UserRegs;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchSite;
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

    /** Moves the program counters that are inside a window. @return a reason when one cannot be moved */
    Optional<Refusal> moveThreads(List<TracedThread> stopped) {
        for (TracedThread thread : stopped) {
            boolean restarts = TracedThread.restarts(thread.registers);
            long next = thread.programCounter() - (restarts ? SYSCALL_BYTES : 0);
            for (PatchSite site : plan.sites()) {
                if (next > site.address().value() && next < site.end().value()) {
                    Optional<PatchSite.MovedInsn> moved = site.moved().stream()
                            .filter(insn -> insn.from().value() == next)
                            .findFirst();
                    if (moved.isEmpty()) {
                        return Optional.of(new Refusal(
                                Refusal.Kind.THREAD_IN_WINDOW,
                                "thread " + thread.tid + " is at 0x" + Long.toHexString(next) + ", inside "
                                        + site.symbol(),
                                "attach again"));
                    }
                    long to = moved.get().to().value() + (restarts ? SYSCALL_BYTES : 0);
                    UserRegs.RIP.set(thread.registers, to);
                }
            }
        }
        return Optional.empty();
    }

    void write() {
        for (PatchSite site : plan.sites()) {
            target.steps().before("site-written");
            target.memory().writeBytes(site.address(), site.newBytes().bytes());
        }
    }
}

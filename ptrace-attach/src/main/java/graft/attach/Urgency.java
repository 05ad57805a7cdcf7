package graft.attach;

import graft.platform.linux.CpuSet;
import graft.platform.linux.Sched;
import graft.platform.proc.ProcessStat;
import java.util.Optional;

/**
 * The scheduling of the calling thread while it holds another one: real-time where that is permitted, and not on the
 * processor where the other one is, which could not stop or go on while this one looks.
 */
final class Urgency implements AutoCloseable {
    private final Optional<CpuSet> former;

    private Urgency(Optional<CpuSet> former) {
        this.former = former;
    }

    /** @param tid the thread that is waited for first */
    static Urgency towards(int pid, int tid) {
        Optional<CpuSet> former = Optional.empty();
        Optional<ProcessStat> stat = ProcessStat.findThread(pid, tid);
        if (stat.isPresent()) {
            CpuSet all = CpuSet.ofThisThread();
            CpuSet rest = all.without(stat.get().processor());
            if (all.contains(stat.get().processor()) && !rest.isEmpty()) {
                rest.apply();
                former = Optional.of(all);
            }
        }
        Sched.fifo(1);
        return new Urgency(former);
    }

    @Override
    public void close() {
        Sched.ordinary();
        former.ifPresent(CpuSet::apply);
    }
}

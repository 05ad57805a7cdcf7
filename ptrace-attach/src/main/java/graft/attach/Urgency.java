package graft.attach;

import graft.platform.linux.CpuSet;
import graft.platform.linux.Sched;
import graft.platform.proc.ProcessStat;
import java.util.Optional;

/**
 * The scheduling of the calling thread while it holds another one: real-time, and not on the processor where the other one
 * is, which could not stop or go on while this one looks. Both only where permitted. Opened before what holds the threads,
 * so that it is closed when they have been let go.
 */
final class Urgency implements AutoCloseable {
    private Optional<CpuSet> former = Optional.empty();

    /** From here on. @param tid the thread that is waited for first */
    void begin(int pid, int tid) {
        Optional<ProcessStat> stat = ProcessStat.findThread(pid, tid);
        if (stat.isPresent()) {
            CpuSet all = CpuSet.ofThisThread();
            CpuSet rest = all.without(stat.get().processor());
            if (!rest.isEmpty() && rest.apply() == 0) {
                former = Optional.of(all);
            }
        }
        Sched.fifo(1);
    }

    @Override
    public void close() {
        Sched.ordinary();
        former.ifPresent(CpuSet::apply);
    }
}

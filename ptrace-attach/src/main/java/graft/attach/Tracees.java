package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.layout.StopLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.Ptrace;
import graft.platform.linux.Sched;
import graft.platform.linux.SysException;
import graft.platform.linux.Unistd;
import graft.platform.proc.ProcessStat;
import graft.platform.proc.ProcessStatus;
import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** All threads of one process, seized by the OS thread that made this. Closing lets every stopped thread go. */
final class Tracees implements AutoCloseable {
    private static final long PAUSE_NANOS = 20_000;
    private static final long LATE_NANOS = 5_000_000_000L;
    private static final long LET_GO_NANOS = 3_000_000_000L;

    private final int pid;
    private final long options;
    private final long created = System.nanoTime();
    private final Arena arena = Arena.ofConfined();
    private final Map<Integer, TracedThread> threads = new HashMap<>();
    private final NativeFd folder;

    Tracees(int pid, long options) {
        this.pid = pid;
        this.options = options;
        this.folder = open(pid);
    }

    private static NativeFd open(int pid) {
        try {
            return Unistd.openFolder("/proc/" + pid + "/task");
        } catch (SysException gone) {
            throw new TraceeGoneException(pid, "listing its threads");
        }
    }

    /** Memory that is freed when this is closed. */
    Arena arena() {
        return arena;
    }

    /** A descriptor of the folder of the process's threads. */
    int folder() {
        return folder.number();
    }

    /** Tells the tracer which threads there are. */
    void list(MemorySegment stop) {
        MemorySegment addresses = arena.allocate(JAVA_LONG, threads.size());
        int count = 0;
        for (TracedThread thread : threads.values()) {
            addresses.setAtIndex(JAVA_LONG, count++, thread.address());
        }
        stop.set(JAVA_LONG, StopLayout.THREADS, addresses.address());
        stop.set(JAVA_INT, StopLayout.THREAD_COUNT, count);
    }

    /** Seizes threads that are not seized yet. @return whether there were any */
    boolean seizeNew() {
        String[] names = new File("/proc/" + pid + "/task").list();
        if (names == null || names.length == 0) {
            throw new TraceeGoneException(pid, "listing its threads");
        }
        boolean found = false;
        for (String name : names) {
            int tid = Integer.parseInt(name);
            if (!threads.containsKey(tid)) {
                found |= seize(tid);
            }
        }
        return found;
    }

    private boolean seize(int tid) {
        return seize(new TracedThread(tid, arena));
    }

    private boolean seize(TracedThread thread) {
        int tid = thread.tid;
        while (true) {
            try {
                Ptrace.seize(tid, options);
                threads.put(tid, thread);
                return true;
            } catch (SysException failed) {
                boolean ended =
                        ProcessStat.findThread(pid, tid).map(ProcessStat::ended).orElse(true);
                if (ended || failed.is(Errno.ESRCH)) {
                    return false;
                }
                if (!failed.is(Errno.EPERM) || !lettingGo()) {
                    throw new SysException(failed.call(), failed.errno(), failed.doing() + tracer(tid));
                }
                Sched.nanosleep(PAUSE_NANOS);
            }
        }
    }

    private static String tracer(int tid) {
        int tracer = ProcessStatus.find(tid).map(ProcessStatus::tracer).orElse(0);
        return tracer == 0 ? "" : ", which thread " + tracer + " traces";
    }

    /** Whether an earlier tracer thread of ours may still be ending: the kernel lets go when it has ended. */
    private boolean lettingGo() {
        return System.nanoTime() - created < LET_GO_NANOS;
    }

    /** The first thread of the process, not seized yet: what is prepared for it is prepared before. */
    TracedThread leader() {
        return new TracedThread(pid, arena);
    }

    /** Seizes {@link #leader}. */
    void seizeLeader(TracedThread leader) {
        if (!seize(leader)) {
            throw new TraceeGoneException(pid, "seizing its first thread");
        }
    }

    /** Seizes the first thread only. */
    TracedThread seizeLeader() {
        TracedThread leader = leader();
        seizeLeader(leader);
        return leader;
    }

    /** The seized threads that have not ended. */
    List<TracedThread> all() {
        return threads.values().stream()
                .filter(thread -> thread.state() != TracedThread.State.GONE)
                .toList();
    }

    /** Stops one thread. @throws DeadlineException when it does not stop in time */
    void stop(TracedThread thread, long deadline) {
        thread.interrupt();
        await(thread, deadline);
        if (thread.state() == TracedThread.State.GONE) {
            throw new TraceeGoneException(pid, "stopping thread " + thread.tid);
        }
    }

    private void await(TracedThread thread, long deadline) {
        while (thread.poll() == TracedThread.State.ASKED) {
            if (System.nanoTime() - deadline > 0) {
                throw new DeadlineException("thread " + thread.tid + " of process " + pid + " did not stop in time");
            }
            Sched.nanosleep(PAUSE_NANOS);
        }
    }

    /**
     * Lets every stopped thread go, and those that were asked to stop as soon as they have: a system call that was
     * interrupted for a stop fails with EINTR unless the stop takes place. Any other thread is let go when the tracer's
     * thread ends.
     */
    void detachAll() {
        for (TracedThread thread : threads.values()) {
            thread.detach();
        }
        long deadline = System.nanoTime() + LATE_NANOS;
        for (TracedThread thread : threads.values()) {
            while (thread.poll() == TracedThread.State.ASKED && System.nanoTime() - deadline < 0) {
                Sched.nanosleep(PAUSE_NANOS);
            }
            thread.detach();
        }
        threads.clear();
    }

    @Override
    public void close() {
        detachAll();
        folder.close();
        arena.close();
    }
}

package graft.daemon;

import graft.ebpf.maps.Threads;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Fanotify;
import graft.platform.linux.NativeFd;
import graft.platform.proc.ControlGroups;
import graft.platform.proc.ControlGroups.Membership;
import graft.platform.proc.ProcessStat;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Tells targets in which control groups they are, for programs that ask: at the attach, when a process that was forked or a thread of
 * a divided process asks for the first time, and after a move. Who moves a process writes to a file of its new group: where this
 * process may hear of that, a thread of this class looks then. Another one looks from time to time in any case, more often where
 * it may not; until then programs are told where their process was.
 */
public final class ThreadGroups implements AutoCloseable {
    private static final long PERIOD_NANOS = 100_000_000;
    private static final long LONG_PERIOD_NANOS = 1_000_000_000;
    private static final Duration LISTENING = Duration.ofMillis(200); // before it looks whether to end
    private static final Set<String> MOVING = Set.of("cgroup.procs", "cgroup.threads");

    /** Looking takes a tenth of a processor at most, however many moves there are. */
    private static final int PAUSE_OF_LOOK = 9;

    private final ControlGroups groups = ControlGroups.ofThisMachine();
    private final GroupTable table = new GroupTable();
    private final Set<Integer> members = new HashSet<>(); // processes and threads; guarded by this
    private final Thread thread;
    private final Optional<Thread> listener;
    private boolean asked; // whether there are members that came by themselves; of the thread
    private volatile boolean ended; // published to the threads by whoever closes

    ThreadGroups() {
        Optional<Fanotify> writes = groups.top().flatMap(Fanotify::ofWrites);
        long period = writes.isPresent() && !groups.haveClasses() ? LONG_PERIOD_NANOS : PERIOD_NANOS;
        this.thread = Thread.ofPlatform().daemon().name("graft-groups").start(() -> run(period));
        this.listener = writes.map(
                opened -> Thread.ofPlatform().daemon().name("graft-moves").start(() -> listen(opened)));
    }

    private void listen(Fanotify writes) {
        try (writes) {
            while (!ended) {
                if (writes.await(LISTENING, MOVING)) {
                    long began = System.nanoTime();
                    look();
                    LockSupport.parkNanos((System.nanoTime() - began) * PAUSE_OF_LOOK);
                }
            }
        }
    }

    /** The memory, to be mapped by targets. Borrowed. */
    public NativeFd fd() {
        return table.fd();
    }

    /**
     * Where a process is.
     *
     * @param group the index of its group in the memory
     * @param isWhole whether all groups above it are known
     */
    public record Place(int group, int classId, boolean isWhole) {}

    /** Watches a process from now on; nothing when its group is not seen from here. */
    public synchronized Optional<Place> add(int process) {
        return groups.of(process).map(membership -> {
            members.add(process);
            return put(process, membership);
        });
    }

    private Place put(int number, Membership membership) {
        int index = table.index(membership.ids());
        int divided = groups.mayDivide(number) ? PoolConstants.MEMBER_DIVIDED : 0;
        table.put(number, index | divided, membership.classId());
        return new Place(index, membership.classId(), membership.isWhole());
    }

    /**
     * Of classes no move is heard: their files are in another file system. Numbers of those that have asked may be given again soon.
     *
     * @param ofTargets how often to look while nobody has asked
     */
    private void run(long ofTargets) {
        int done = 0; // as often as nobody has rung
        long looked = System.nanoTime();
        while (!ended) {
            int heard = table.bell();
            if (heard != done) {
                answer();
                done = heard;
            }
            long period = asked ? PERIOD_NANOS : ofTargets;
            if (System.nanoTime() - looked >= period) {
                looked = System.nanoTime();
                look();
            }
            table.await(heard, period);
        }
    }

    private synchronized void answer() {
        for (int number : table.unanswered()) {
            members.add(number);
            asked = true;
            groups.of(number)
                    .ifPresentOrElse(
                            membership -> put(number, membership),
                            () -> table.put(number, PoolConstants.GROUP_UNKNOWN, 0));
        }
    }

    /** Who has ended makes room; who is where nobody sees it from here stays where it was. */
    private synchronized void look() {
        members.removeIf(number -> {
            Optional<Membership> membership = groups.of(number);
            membership.ifPresent(found -> put(number, found));
            boolean over = membership.isEmpty() && ProcessStat.find(number).isEmpty();
            if (over) {
                table.remove(number);
            }
            return over;
        });
    }

    /** No member is told anything any more. */
    @Override
    public void close() {
        ended = true;
        table.ring();
        Threads.join(thread);
        listener.ifPresent(Threads::join);
        table.close();
    }
}

package graft.daemon;

import graft.platform.layout.PoolConstants;
import graft.platform.linux.NativeFd;
import graft.platform.proc.ControlGroups;
import graft.platform.proc.ControlGroups.Membership;
import graft.platform.proc.ProcessStat;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Tells targets in which control groups they are, for programs that ask: at the attach, when a process that was forked or a thread of
 * a divided process asks for the first time, and after a move. Nothing tells of moves, so a thread of this class looks from time to
 * time; until then programs are told where their process was.
 */
public final class ThreadGroups implements AutoCloseable {
    private static final long PERIOD_NANOS = 100_000_000;

    private final ControlGroups groups = ControlGroups.ofThisMachine();
    private final GroupTable table = new GroupTable();
    private final Set<Integer> members = new HashSet<>(); // processes and threads; guarded by this
    private final Thread thread;
    private volatile boolean ended; // published to the thread by whoever closes

    ThreadGroups() {
        this.thread = Thread.ofPlatform().daemon().name("graft-groups").start(this::run);
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

    private void run() {
        int done = 0; // as often as nobody has rung
        long looked = System.nanoTime();
        while (!ended) {
            int heard = table.bell();
            if (heard != done) {
                answer();
                done = heard;
            }
            if (System.nanoTime() - looked >= PERIOD_NANOS) {
                looked = System.nanoTime();
                look();
            }
            table.await(heard, PERIOD_NANOS);
        }
    }

    private synchronized void answer() {
        for (int number : table.unanswered()) {
            members.add(number);
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
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        table.close();
    }
}

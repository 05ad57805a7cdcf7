package graft.daemon;

import graft.platform.layout.GroupLayout;
import graft.platform.layout.MemberLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Futex;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The memory of control groups in {@code pool.layout}. Targets write the part with members, so whatever is in it may be wrong. Owns
 * memory and descriptor. One thread at a time.
 */
final class GroupTable implements AutoCloseable {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final int MEMBERS = PoolConstants.MEMBERS_SETS * PoolConstants.MEMBERS_SET;

    private final NativeFd fd;
    private final SharedRegion region;
    private final MemorySegment memory;
    private final Map<Long, Integer> indices = new HashMap<>(); // by id
    private int next = PoolConstants.GROUP_UNKNOWN + 1;

    GroupTable() {
        this.fd = Mman.sealedMemfd("graft-groups", PoolConstants.GROUPS_SIZE, Mman.MFD_NOEXEC_SEAL);
        this.region = SharedRegion.map(fd, PoolConstants.GROUPS_SIZE, SharedRegion.Access.READ_WRITE);
        this.memory = region.segment();
    }

    NativeFd fd() {
        return fd;
    }

    /**
     * The index of a group; that of the unknown one when there is no room for more.
     *
     * @param ids of those above it, the topmost first, and its own
     */
    int index(List<Long> ids) {
        int parent = 0;
        for (int level = 0; level < ids.size(); level++) {
            long id = ids.get(level);
            Integer known = indices.get(id);
            if (known == null && next == PoolConstants.GROUPS_MAX) {
                return PoolConstants.GROUP_UNKNOWN;
            }
            parent = known == null ? add(id, parent, level) : known;
        }
        return parent;
    }

    private int add(long id, int parent, int level) {
        long at = PoolConstants.GROUPS_OFFSET + (long) next * GroupLayout.SIZE;
        INT.set(memory, at + GroupLayout.PARENT, parent);
        INT.set(memory, at + GroupLayout.LEVEL, level);
        LONG.setRelease(memory, at + GroupLayout.ID, id);
        indices.put(id, next);
        return next++;
    }

    /** The numbers that are not answered yet. */
    Set<Integer> unanswered() {
        Set<Integer> numbers = new TreeSet<>();
        for (int member = 0; member < MEMBERS; member++) {
            long at = at(member);
            int number = (int) INT.getAcquire(memory, at + MemberLayout.NUMBER);
            if (number != 0 && (int) INT.getAcquire(memory, at + MemberLayout.GROUP) == 0) {
                numbers.add(number);
            }
        }
        return numbers;
    }

    /**
     * Says where a member is. One more than its set holds is not told.
     *
     * @param group an index, and {@code MEMBER_DIVIDED}
     */
    void put(int number, int group, int classId) {
        long set = set(number);
        boolean found = false;
        for (int i = 0; i < PoolConstants.MEMBERS_SET; i++) {
            long at = set + (long) i * MemberLayout.SIZE;
            if ((int) INT.getAcquire(memory, at + MemberLayout.NUMBER) == number) {
                answer(at, group, classId);
                found = true;
            }
        }
        for (int i = 0; i < PoolConstants.MEMBERS_SET && !found; i++) {
            long at = set + (long) i * MemberLayout.SIZE;
            if (INT.compareAndSet(memory, at + MemberLayout.NUMBER, 0, number)) {
                answer(at, group, classId);
                found = true;
            }
        }
    }

    private void answer(long at, int group, int classId) {
        INT.setRelease(memory, at + MemberLayout.GROUP_CLASS, classId);
        int before = (int) INT.getAndSet(memory, at + MemberLayout.GROUP, group);
        if (before == 0) {
            Futex.wake(memory, at + MemberLayout.GROUP, Integer.MAX_VALUE);
        }
    }

    /** Forgets one that has ended. */
    void remove(int number) {
        long set = set(number);
        for (int i = 0; i < PoolConstants.MEMBERS_SET; i++) {
            long at = set + (long) i * MemberLayout.SIZE;
            if ((int) INT.getAcquire(memory, at + MemberLayout.NUMBER) == number) {
                INT.set(memory, at + MemberLayout.GROUP, 0);
                INT.set(memory, at + MemberLayout.WAITED, 0);
                INT.setRelease(memory, at + MemberLayout.NUMBER, 0);
            }
        }
    }

    int bell() {
        return (int) INT.getVolatile(memory, (long) PoolConstants.GROUPS_BELL);
    }

    /** Sleeps until somebody has rung since the bell was {@code heard}. */
    void await(int heard, long nanos) {
        Futex.await(memory, PoolConstants.GROUPS_BELL, heard, nanos);
    }

    /** Ends a sleep. */
    void ring() {
        INT.getAndAdd(memory, (long) PoolConstants.GROUPS_BELL, 1);
        Futex.wake(memory, PoolConstants.GROUPS_BELL, 1);
    }

    private static long set(int number) {
        return at((number & PoolConstants.MEMBERS_SETS - 1) * PoolConstants.MEMBERS_SET);
    }

    private static long at(int member) {
        return PoolConstants.MEMBERS_OFFSET + (long) member * MemberLayout.SIZE;
    }

    @Override
    public void close() {
        region.close();
        fd.close();
    }
}

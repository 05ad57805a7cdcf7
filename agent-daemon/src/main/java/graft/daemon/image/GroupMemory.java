package graft.daemon.image;

import graft.attach.Injection;
import graft.daemon.SessionRefusal;
import graft.daemon.ThreadGroups;
import graft.ebpf.helper.Helper;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.rewriter.plan.PoolPlacement;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Where programs of one target find its control groups.
 *
 * @param address where the memory is mapped
 * @param fd of the memory
 * @param place where the process is now
 */
record GroupMemory(RemoteAddress address, int fd, ThreadGroups.Place place) {
    private static final long GROUPS_BYTES = PoolConstants.GROUPS_SIZE - PoolConstants.GROUPS_OFFSET;

    /** What came of looking. */
    sealed interface Finding {
        /** Programs are told. */
        record Found(GroupMemory memory) implements Finding {}

        /** They would not be told what they are told in the kernel. */
        record Refused(SessionRefusal refusal) implements Finding {}
    }

    /** Whether programs ask for groups. */
    static boolean isNeeded(Collection<CheckedProgram> programs) {
        return programs.stream()
                .anyMatch(program -> program.facts().helpers().stream().anyMatch(Helper::tellsGroup));
    }

    /** Looks where a process is, and for a place in it that is not {@code occupied}. */
    static Finding of(
            int pid, ThreadGroups groups, Collection<CheckedProgram> programs, List<PoolPlacement.Range> occupied) {
        Optional<ThreadGroups.Place> place = groups.add(pid);
        if (place.isEmpty()) {
            return refused(
                    pid,
                    "it is above or beside all that graft sees of the hierarchy, is removed, or has a name that this locale cannot spell");
        }
        boolean asksAbove = programs.stream()
                .anyMatch(program -> program.facts().helpers().contains(Helper.GET_CURRENT_ANCESTOR_CGROUP_ID));
        if (asksAbove && !place.get().isWhole()) {
            return refused(pid, "levels count from the machine's root, which graft does not see");
        }
        return PoolPlacement.inLargestGap(occupied, PoolConstants.GROUPS_SIZE)
                .<Finding>map(start ->
                        new Finding.Found(new GroupMemory(start, groups.fd().number(), place.get())))
                .orElseGet(() -> new Finding.Refused(new SessionRefusal.NoRoom(pid, "its control groups")));
    }

    private static Finding refused(int pid, String why) {
        return new Finding.Refused(new SessionRefusal.GroupNotSeen(pid, why));
    }

    /** Processes enter themselves as members, and write nothing else. */
    List<Injection.Region> regions() {
        return List.of(
                new Injection.Region(
                        fd, 0, address, PoolConstants.GROUPS_OFFSET, Injection.Protection.READ_WRITE, "members"),
                new Injection.Region(
                        fd,
                        PoolConstants.GROUPS_OFFSET,
                        address.plus(PoolConstants.GROUPS_OFFSET),
                        GROUPS_BYTES,
                        Injection.Protection.READ_ONLY,
                        "groups"));
    }
}

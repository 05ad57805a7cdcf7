package graft.daemon.image;

import graft.bridge.RunningKernel;
import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.helper.Helper;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Where the kernel's {@code struct task_struct} has what a process knows of its own; 0 for what it has not. */
public record TaskFields(int pid, int tgid, int comm, int leader, int parent) {
    /** No program has a task, or the kernel does not show its types: nothing can be read. */
    static final TaskFields NONE = new TaskFields(0, 0, 0, 0, 0);

    /** Addresses of tasks are so far apart. */
    private static final int MOST_BYTES = 1 << 14;

    /** Looked up when one of the programs has a task. */
    public static TaskFields of(Collection<CheckedProgram> programs) {
        boolean used = programs.stream()
                .anyMatch(program -> program.facts().helpers().stream().anyMatch(Helper::givesTask));
        return used ? new RunningKernel().types().flatMap(TaskFields::of).orElse(NONE) : NONE;
    }

    private static Optional<TaskFields> of(Btf types) {
        return types.named("task_struct").stream()
                .map(types::type)
                .filter(type -> type instanceof BtfType.Composite task && task.size() <= MOST_BYTES)
                .findFirst()
                .map(type -> ((BtfType.Composite) type).members())
                .map(members -> new TaskFields(
                        offset(members, "pid"),
                        offset(members, "tgid"),
                        offset(members, "comm"),
                        offset(members, "group_leader"),
                        offset(members, "real_parent")));
    }

    private static int offset(List<BtfType.Member> members, String name) {
        return members.stream()
                .filter(member -> member.name().equals(name))
                .mapToInt(member -> member.bitOffset() / Byte.SIZE)
                .findFirst()
                .orElse(0);
    }
}

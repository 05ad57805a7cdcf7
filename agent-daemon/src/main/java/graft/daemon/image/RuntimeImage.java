package graft.daemon.image;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.MapConstants;
import graft.platform.layout.MapLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Sysconf;
import graft.platform.proc.CpuFlags;
import graft.platform.proc.StackDepth;
import graft.rewriter.Code;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Initial content of a target's runtime region from {@code CONFIG_OFFSET} on: configuration and map descriptors. */
final class RuntimeImage {
    /**
     * The pool above.
     *
     * @param next where the next pool of the injection begins, the first one behind the last
     * @param returnPages where the mapping with {@code RETURN_PAGES} is
     * @param shared what the process shares with this one
     */
    record Pool(long size, RemoteAddress next, Optional<RemoteAddress> returnPages, Shared shared) {}

    /**
     * Memory of other pools too.
     *
     * @param numbers where the {@code NUMBERS} are
     * @param groups where the control groups are
     * @param unwinding by which tables stacks are walked; otherwise by frame pointers
     */
    record Shared(Optional<RemoteAddress> numbers, Optional<GroupMemory> groups, Optional<Unwinding> unwinding) {
        /** Nothing. */
        static final Shared NONE = new Shared(Optional.empty(), Optional.empty(), Optional.empty());
    }

    /**
     * Tables for unwinding.
     *
     * @param memory where {@link UnwindSpace} is mapped
     * @param process where in it the process's word is
     */
    record Unwinding(RemoteAddress memory, int process) {}

    /**
     * The maps.
     *
     * @param descriptors one {@code struct graft_map} each, in the order of their index
     * @param printRing the index of the ring for printed lines
     */
    record Maps(List<byte[]> descriptors, OptionalInt printRing) {
        static final Maps NONE = new Maps(List.of(), OptionalInt.empty());
    }

    private RuntimeImage() {}

    /** @throws IllegalArgumentException when there are more maps than fit */
    static Code of(TargetEnvironment environment, Pool pool, TaskFields task, Maps maps) {
        List<byte[]> descriptors = maps.descriptors();
        if (descriptors.size() > PoolConstants.DESCRIPTORS_MAX) {
            throw new IllegalArgumentException(
                    descriptors.size() + " maps; a target takes " + PoolConstants.DESCRIPTORS_MAX);
        }
        int mapsAt = PoolConstants.DESCRIPTORS_OFFSET - PoolConstants.CONFIG_OFFSET;
        ByteBuffer image = ByteBuffer.allocate(mapsAt + descriptors.size() * MapLayout.SIZE)
                .order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(ConfigLayout.TGID, environment.tgid());
        image.putInt(ConfigLayout.OWN_TGID, environment.ownTgid().orElse(0));
        image.putInt(ConfigLayout.TID_OFFSET, environment.tidOffset().orElse(0));
        image.putInt(ConfigLayout.RSEQ_OFFSET, environment.rseqOffset().orElse(0));
        image.putInt(ConfigLayout.CPUS, Sysconf.possibleCpus());
        image.putLong(
                ConfigLayout.CLOCK_GETTIME,
                environment.clockGettime().map(RemoteAddress::value).orElse(0L));
        image.putLong(
                ConfigLayout.SINGLE_THREADED,
                environment.singleThreaded().map(RemoteAddress::value).orElse(0L));
        environment.mainStack().ifPresent(stack -> {
            image.putLong(ConfigLayout.STACK_START, stack.start().value());
            image.putLong(ConfigLayout.STACK_END, stack.end().value());
        });
        image.putLong(
                ConfigLayout.RETURN_PAGES,
                pool.returnPages().map(RemoteAddress::value).orElse(0L));
        image.putLong(
                ConfigLayout.NUMBERS,
                pool.shared().numbers().map(RemoteAddress::value).orElse(0L));
        pool.shared().groups().ifPresent(groups -> {
            image.putLong(ConfigLayout.GROUPS, groups.address().value());
            image.putInt(ConfigLayout.GROUP, groups.place().group());
            image.putInt(ConfigLayout.GROUP_CLASS, groups.place().classId());
        });
        maps.printRing().ifPresent(index -> image.putInt(ConfigLayout.PRINT_RING, index + 1));
        pool.shared().unwinding().ifPresent(tables -> {
            image.putLong(ConfigLayout.UNWIND, tables.memory().value());
            image.putInt(ConfigLayout.UNWIND_PROCESS, tables.process());
        });
        putNamespaces(image, environment);
        put(image, task);
        image.putLong(ConfigLayout.POOL_SIZE, pool.size());
        image.putLong(ConfigLayout.NEXT_POOL, pool.next().value());
        image.putInt(ConfigLayout.MAX_STACK, Math.min(StackDepth.most(), MapConstants.TRACE_ADDRESSES_MAX));
        image.putInt(ConfigLayout.UID, environment.uid());
        image.putInt(ConfigLayout.GID, environment.gid());
        image.putInt(ConfigLayout.FEATURES, features(CpuFlags.ofThisMachine()));
        image.putInt(ConfigLayout.FOLLOWED, environment.children() == ForkedChildren.FOLLOWED ? 1 : 0);
        for (int index = 0; index < descriptors.size(); index++) {
            image.put(mapsAt + index * MapLayout.SIZE, descriptors.get(index));
        }
        return Code.of(image.array());
    }

    private static void put(ByteBuffer image, TaskFields task) {
        image.putInt(ConfigLayout.TASK_PID, task.pid());
        image.putInt(ConfigLayout.TASK_TGID, task.tgid());
        image.putInt(ConfigLayout.TASK_COMM, task.comm());
        image.putInt(ConfigLayout.TASK_LEADER, task.leader());
        image.putInt(ConfigLayout.TASK_PARENT, task.parent());
    }

    private static void putNamespaces(ByteBuffer image, TargetEnvironment environment) {
        image.putInt(ConfigLayout.TRANSLATED, environment.ownTgid().isPresent() ? 1 : 0);
        environment.pidNamespace().ifPresent(namespace -> {
            image.putInt(ConfigLayout.PID_NAMESPACE, namespace.inode());
            image.putInt(ConfigLayout.NAMESPACE_DEVICE, namespace.device());
        });
        image.putLong(ConfigLayout.MONOTONIC_AHEAD, environment.clocks().monotonic());
        image.putLong(ConfigLayout.BOOT_AHEAD, environment.clocks().boot());
    }

    private static int features(CpuFlags flags) {
        return (flags.has("rdpid") ? PoolConstants.FEATURE_RDPID : 0)
                | (flags.has("rtm") ? PoolConstants.FEATURE_RTM : 0);
    }
}

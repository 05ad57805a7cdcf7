package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.StorageLayout;
import graft.platform.linux.Errno;
import graft.platform.proc.ClockOffsets;
import graft.platform.proc.ProcessStat;
import graft.platform.proc.ThreadLimit;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A value for each thread: a hash by its number. The number may be another thread's later, so values say when they were made:
 * one that is older than the thread is that of a former one, and as good as none.
 */
public final class TaskStorageMap extends HashedMap {
    private static final long TICK_NANOS = 10_000_000; // USER_HZ is 100

    /** Of the times that this process reads; those in the map are the kernel's. */
    private static final long AHEAD = ClockOffsets.own().boot();

    private static final long NEVER = Long.MAX_VALUE;

    private TaskStorageMap(MapSpec spec, MapMemory memory) {
        super(spec, new HashCore(hash(spec), memory));
    }

    static TaskStorageMap create(MapSpec spec, MapMemory memory) {
        return new TaskStorageMap(spec, memory);
    }

    /** Room for twice as many threads as there can be: those that ended without a word keep theirs for a while. */
    private static MapSpec hash(MapSpec spec) {
        int valueSize = StorageLayout.SIZE + spec.valueSize();
        MapSpec one = spec.sized(Integer.BYTES, valueSize, 1);
        long most = MapRules.LARGEST_REGION / HashGeometry.regionSize(one);
        return one.sized(Integer.BYTES, valueSize, (int) Math.min(ThreadLimit.numbers(), most));
    }

    /** Threads that can have a value. */
    public int capacity() {
        return core.geometry().capacity() - core.geometry().lists();
    }

    /**
     * The value of a thread, by its number.
     *
     * @return nothing also when there is no such thread
     */
    public Optional<byte[]> lookup(int thread) {
        long began = began(thread);
        return core.lookup(key(thread)).filter(value -> born(value) >= began).map(TaskStorageMap::withoutHeader);
    }

    /**
     * Sets the value of a thread.
     *
     * @return 0 or a negated errno: {@code EINVAL} for flags, {@code ENOENT} without such a thread, {@code EEXIST}, {@code EBUSY},
     *     {@code ENOMEM} when no more threads can have one
     */
    public int update(int thread, byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        MapBytes.requireSize(value, spec.valueSize(), "the value");
        long began = began(thread);
        if (began == NEVER) {
            return -Errno.ENOENT;
        }
        forget(thread, began);
        byte[] whole = new byte[StorageLayout.SIZE + value.length];
        MapBytes.putLong(whole, StorageLayout.BORN, began);
        System.arraycopy(value, 0, whole, StorageLayout.SIZE, value.length);
        int result = core.update(key(thread), whole, flags);
        return result == -Errno.E2BIG ? -Errno.ENOMEM : result;
    }

    /** Removes the value of a thread: 0 or a negated errno. */
    public int delete(int thread) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        long began = began(thread);
        return core.deleteIf(key(thread), value -> born(value) >= began);
    }

    /** The numbers of the threads that have a value now, ascending. */
    public List<Integer> threads() {
        return core.keys().stream()
                .map(key -> MapBytes.intAt(key, 0))
                .filter(thread -> lookup(thread).isPresent())
                .sorted()
                .toList();
    }

    /** Removes what threads have left that are no more. A new thread with the same number keeps what is its own. */
    public void forgetEnded() {
        core.keys().forEach(key -> {
            int thread = MapBytes.intAt(key, 0);
            forget(thread, began(thread));
        });
    }

    private void forget(int thread, long began) {
        core.deleteIf(key(thread), value -> born(value) < began);
    }

    /** When a thread began, no later than that; {@link #NEVER} when there is none. */
    private static long began(int thread) {
        return ProcessStat.find(thread)
                .map(stat -> stat.startTime() * TICK_NANOS - AHEAD)
                .orElse(NEVER);
    }

    private static long born(byte[] value) {
        return MapBytes.longAt(value, StorageLayout.BORN);
    }

    private static byte[] withoutHeader(byte[] value) {
        return Arrays.copyOfRange(value, StorageLayout.SIZE, value.length);
    }

    private static byte[] key(int thread) {
        return MapBytes.ofInt(thread);
    }
}

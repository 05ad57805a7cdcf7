package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import graft.platform.layout.QueueLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A queue or a stack of values. Changes are one store of a position, under a lock. */
public final class QueueMap extends RegionMap {
    /** {@code BPF_EXIST}: a full one drops its oldest value. */
    public static final long DROP_OLDEST = KeyedMap.EXIST;

    private final int stride;

    private QueueMap(MapSpec spec, MapMemory memory) {
        super(spec, memory.region(spec, size(spec)));
        this.stride = (int) MapRules.stride(spec);
        region.set(QueueLayout.ABI, MapConstants.ABI);
        region.set(QueueLayout.TYPE, spec.type().number());
        region.set(QueueLayout.VALUE_SIZE, spec.valueSize());
        region.set(QueueLayout.MAX_ENTRIES, spec.maxEntries());
        region.set(QueueLayout.STRIDE, stride);
    }

    static QueueMap create(MapSpec spec, MapMemory memory) {
        return new QueueMap(spec, memory);
    }

    /** Bytes of the region. */
    static long size(MapSpec spec) {
        return Sysconf.wholePages(MapConstants.QUEUE_VALUES_OFFSET + spec.maxEntries() * MapRules.stride(spec));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + MapConstants.QUEUE_VALUES_OFFSET;
    }

    @Override
    public int stride() {
        return stride;
    }

    /**
     * Adds a value: {@code bpf_map_push_elem}.
     *
     * @param flags 0 or {@link #DROP_OLDEST}
     * @return 0 or a negated errno: {@code E2BIG} for a full map, {@code EINVAL} for flags, {@code EBUSY}
     */
    public int push(byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        MapBytes.requireSize(value, spec.valueSize(), "the value");
        if (flags != KeyedMap.ANY && flags != DROP_OLDEST) {
            return -Errno.EINVAL;
        }
        if (!lock()) {
            return -Errno.EBUSY;
        }
        try {
            long head = head();
            if (head - tail() >= spec.maxEntries()) {
                if (flags == KeyedMap.ANY) {
                    return -Errno.E2BIG;
                }
                region.setLongRelease(QueueLayout.TAIL, head - spec.maxEntries() + 1);
            }
            MemorySegment.copy(value, 0, region.memory(), ValueLayout.JAVA_BYTE, place(head), value.length);
            region.setLongRelease(QueueLayout.HEAD, head + 1);
            return 0;
        } finally {
            unlock();
        }
    }

    /** The value that {@link #pop} would give, or nothing: {@code bpf_map_peek_elem}. Nothing too when the lock is busy. */
    public Optional<byte[]> peek() {
        if (!lock()) {
            return Optional.empty();
        }
        try {
            return head() == tail() ? Optional.empty() : Optional.of(read(isStack() ? head() - 1 : tail()));
        } finally {
            unlock();
        }
    }

    /** Takes the oldest value of a queue, the youngest of a stack: {@code bpf_map_pop_elem}. Nothing too when it is frozen. */
    public Optional<byte[]> pop() {
        if (isFrozen() || !lock()) {
            return Optional.empty();
        }
        try {
            if (head() == tail()) {
                return Optional.empty();
            }
            byte[] value = read(isStack() ? head() - 1 : tail());
            if (isStack()) {
                region.setLongRelease(QueueLayout.HEAD, head() - 1);
            } else {
                region.setLongRelease(QueueLayout.TAIL, tail() + 1);
            }
            return Optional.of(value);
        } finally {
            unlock();
        }
    }

    /** What pops would give from now on; takes nothing. */
    public List<byte[]> values() {
        List<byte[]> values = new ArrayList<>();
        if (!lock()) {
            return values;
        }
        try {
            long count = Math.clamp(head() - tail(), 0, spec.maxEntries());
            for (long i = 0; i < count; i++) {
                values.add(read(isStack() ? head() - 1 - i : tail() + i));
            }
            return values;
        } finally {
            unlock();
        }
    }

    /** Takes all values out; false when the lock is busy. */
    boolean clear() {
        if (!lock()) {
            return false;
        }
        region.setLongRelease(isStack() ? QueueLayout.HEAD : QueueLayout.TAIL, isStack() ? tail() : head());
        unlock();
        return true;
    }

    private boolean isStack() {
        return spec.type() == MapType.STACK;
    }

    private long head() {
        return region.getLongAcquire(QueueLayout.HEAD);
    }

    private long tail() {
        return region.getLongAcquire(QueueLayout.TAIL);
    }

    private long place(long position) {
        return MapConstants.QUEUE_VALUES_OFFSET + Long.remainderUnsigned(position, spec.maxEntries()) * stride;
    }

    private byte[] read(long position) {
        return region.memory().asSlice(place(position), spec.valueSize()).toArray(ValueLayout.JAVA_BYTE);
    }

    private boolean lock() {
        return LockWord.acquire(region, QueueLayout.LOCK, QueueLayout.LOCK_BUSY);
    }

    private void unlock() {
        LockWord.release(region, QueueLayout.LOCK);
    }

    @Override
    Set<Integer> lockHolders() {
        int holder = LockWord.holder(region, QueueLayout.LOCK);
        return holder == 0 ? Set.of() : Set.of(holder);
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        if (!LockWord.isHeldBy(region, QueueLayout.LOCK, deadTgid)) {
            return 0;
        }
        unlock();
        return 1;
    }
}

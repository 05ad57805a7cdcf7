package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.TraceLayout;
import graft.platform.layout.TracesLayout;
import graft.platform.linux.Errno;
import graft.platform.linux.Sysconf;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Stack traces by id: the values are addresses, the last ones 0. Only programs add traces, by {@code bpf_get_stackid}; ids are
 * the kernel's, buckets by hash, of which there are as many as {@code max_entries} rounded up to a power of two.
 */
public final class StackTraceMap extends RegionMap implements KeyedMap {
    private static final int NONE = 0;

    private final int buckets;
    private final int traceSize;
    private final long tracesOffset;

    private StackTraceMap(MapSpec spec, MapMemory memory) {
        super(spec, memory.region(spec, Sysconf.wholePages(regionSize(spec))));
        this.buckets = (int) buckets(spec);
        this.traceSize = TraceLayout.SIZE + spec.valueSize();
        this.tracesOffset = tracesOffset(spec);
        region.set(TracesLayout.ABI, MapConstants.ABI);
        region.set(TracesLayout.TYPE, spec.type().number());
        region.set(TracesLayout.VALUE_SIZE, spec.valueSize());
        region.set(TracesLayout.MAX_ENTRIES, spec.maxEntries());
        region.set(TracesLayout.BUCKET_MASK, buckets - 1);
        region.set(TracesLayout.TRACE_SIZE, traceSize);
        region.setLong(TracesLayout.TRACES_OFFSET, tracesOffset);
    }

    static StackTraceMap create(MapSpec spec, MapMemory memory) {
        return new StackTraceMap(spec, memory);
    }

    /** The kernel's {@code roundup_pow_of_two}. */
    private static long buckets(MapSpec spec) {
        return Long.highestOneBit(spec.maxEntries() * 2L - 1);
    }

    private static long tracesOffset(MapSpec spec) {
        return HashGeometry.align(MapConstants.TRACES_BUCKETS_OFFSET + buckets(spec) * Integer.BYTES, Long.BYTES);
    }

    static long regionSize(MapSpec spec) {
        return tracesOffset(spec) + (long) spec.maxEntries() * (TraceLayout.SIZE + spec.valueSize());
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + tracesOffset;
    }

    @Override
    public int valueBytes() {
        return spec.valueSize();
    }

    /** The addresses of the trace with an id, innermost first, zeros behind the last one. */
    @Override
    public Optional<byte[]> lookup(byte[] key) {
        int id = id(key);
        boolean locked = lock();
        try {
            int trace = isBucket(id) ? trace(id) : NONE;
            return trace == NONE
                    ? Optional.empty()
                    : Optional.of(region.read(at(trace) + TraceLayout.SIZE, spec.valueSize()));
        } finally {
            if (locked) {
                unlock();
            }
        }
    }

    /** Only programs add traces: {@code -EINVAL}. */
    @Override
    public int update(byte[] key, byte[] value, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        return -Errno.EINVAL;
    }

    @Override
    public int delete(byte[] key) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        int id = id(key);
        if (!isBucket(id)) {
            return -Errno.E2BIG;
        }
        if (!lock()) {
            return -Errno.EBUSY;
        }
        try {
            int trace = trace(id);
            if (trace == NONE) {
                return -Errno.ENOENT;
            }
            region.setRelease(bucket(id), NONE);
            give(trace);
            return 0;
        } finally {
            unlock();
        }
    }

    @Override
    public Optional<byte[]> firstKey() {
        return from(0);
    }

    @Override
    public Optional<byte[]> nextKey(byte[] key) {
        int id = id(key);
        return isBucket(id) && trace(id) != NONE ? from(id + 1) : firstKey();
    }

    private Optional<byte[]> from(int first) {
        return used(first).mapToObj(MapBytes::ofInt).findFirst();
    }

    private IntStream used(int first) {
        return IntStream.range(first, buckets).filter(id -> trace(id) != NONE);
    }

    @Override
    public List<byte[]> keys() {
        List<byte[]> keys = new ArrayList<>();
        used(0).forEach(id -> keys.add(MapBytes.ofInt(id)));
        return keys;
    }

    private int id(byte[] key) {
        MapBytes.requireSize(key, Integer.BYTES, "the key");
        return MapBytes.intAt(key, 0);
    }

    private boolean isBucket(int id) {
        return id >= 0 && id < buckets;
    }

    private static long bucket(int id) {
        return MapConstants.TRACES_BUCKETS_OFFSET + (long) id * Integer.BYTES;
    }

    /** The name of a bucket's trace: its number + 1. */
    private int trace(int id) {
        int trace = region.getAcquire(bucket(id));
        return trace > 0 && trace <= spec.maxEntries() ? trace : NONE;
    }

    private long at(int trace) {
        return tracesOffset + (trace - 1L) * traceSize;
    }

    private void give(int trace) {
        region.set(at(trace) + TraceLayout.NEXT, region.get(TracesLayout.FREE));
        region.set(TracesLayout.FREE, trace);
    }

    private boolean lock() {
        return LockWord.acquire(region, TracesLayout.LOCK, TracesLayout.LOCK_BUSY);
    }

    private void unlock() {
        LockWord.release(region, TracesLayout.LOCK);
    }

    @Override
    Set<Integer> lockHolders() {
        int holder = LockWord.holder(region, TracesLayout.LOCK);
        return holder == 0 ? Set.of() : Set.of(holder);
    }

    /** What the dead process had taken and not put into a bucket becomes free again. */
    @Override
    public int releaseLocksOf(int deadTgid) {
        if (!LockWord.isHeldBy(region, TracesLayout.LOCK, deadTgid)) {
            return 0;
        }
        BitSet used = new BitSet();
        used(0).forEach(id -> used.set(trace(id)));
        region.set(TracesLayout.FREE, NONE);
        int ever = Math.clamp(region.get(TracesLayout.FRESH), 0, spec.maxEntries());
        for (int trace = used.nextClearBit(1); trace <= ever; trace = used.nextClearBit(trace + 1)) {
            give(trace);
        }
        unlock();
        return 1;
    }
}

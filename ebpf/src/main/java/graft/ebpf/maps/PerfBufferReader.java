package graft.ebpf.maps;

import graft.platform.layout.MapConstants;
import graft.platform.layout.PerfLayout;
import graft.platform.layout.PerfLostLayout;
import graft.platform.layout.PerfPageLayout;
import graft.platform.layout.PerfRecordLayout;
import graft.platform.linux.Futex;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;

/**
 * The one consumer of a perf event array, as libbpf reads the kernel's: buffer by buffer, up to where each stood when it was begun.
 * Used by one thread. Idle it costs nothing, the first record wakes it; after a burst it lets records gather for a moment, so that
 * busy producers do not make a system call for each.
 */
public final class PerfBufferReader {
    private static final int BURST_RECORDS = 8;
    private static final long PAUSE_NANOS = 1_000_000;

    /** Takes one record. */
    @FunctionalInterface
    public interface Consumer {
        /**
         * @param cpu the processor that it was made on
         * @param data its bytes and, as from the kernel, up to seven more; in shared memory or a copy, valid and read-only during
         *     the call
         */
        void accept(int cpu, MemorySegment data);
    }

    private final PerfBuffers buffers;
    private final MapRegion region;
    private final MemorySegment memory;
    private final long size;
    private long delivered;
    private long reported;
    private int recordsSinceWait;

    PerfBufferReader(PerfBuffers buffers) {
        this.buffers = buffers;
        this.region = buffers.region();
        this.memory = region.memory().asReadOnly();
        this.size = buffers.dataBytes();
    }

    /**
     * Hands over complete records, at most {@code limit}, those of each processor in their order. When the consumer throws, its
     * record counts as taken.
     *
     * @return how many
     * @throws DamagedMapException when a buffer contradicts itself
     */
    public int drain(Consumer consumer, int limit) {
        int records = 0;
        for (int cpu = 0; cpu < buffers.cpus() && records < limit; cpu++) {
            records += drain(cpu, consumer, limit - records);
        }
        recordsSinceWait += records;
        return records;
    }

    private int drain(int cpu, Consumer consumer, int limit) {
        long page = buffers.page(cpu);
        long head = region.getLongAcquire(page + PerfPageLayout.DATA_HEAD);
        long tail = region.getLong(page + PerfPageLayout.DATA_TAIL);
        if (head - tail < 0 || head - tail > size || tail % Long.BYTES != 0) {
            throw damaged(cpu, "its positions contradict each other: " + tail + " read of " + head);
        }
        int records = 0;
        try {
            while (tail != head && records < limit) {
                MemorySegment record = record(cpu, tail, head - tail);
                tail += record.byteSize();
                if (record.get(ValueLayout.JAVA_INT, PerfRecordLayout.TYPE) == MapConstants.PERF_RECORD_LOST) {
                    reported += record.get(ValueLayout.JAVA_LONG_UNALIGNED, PerfLostLayout.LOST);
                } else {
                    records++;
                    delivered++;
                    consumer.accept(cpu, data(cpu, record));
                }
            }
        } finally {
            region.setLongRelease(page + PerfPageLayout.DATA_TAIL, tail);
        }
        return records;
    }

    /** In one piece. */
    private MemorySegment record(int cpu, long position, long left) {
        long data = buffers.page(cpu) + PerfPageLayout.SIZE;
        long at = position & size - 1;
        int length = Short.toUnsignedInt(memory.get(ValueLayout.JAVA_SHORT, data + at + PerfRecordLayout.LENGTH));
        if (length < PerfLostLayout.SIZE || length > left || length % Long.BYTES != 0) {
            throw damaged(cpu, "a record of " + length + " bytes where " + left + " were written");
        }
        if (at + length <= size) {
            return memory.asSlice(data + at, length);
        }
        MemorySegment copy = MemorySegment.ofArray(new long[length / Long.BYTES]);
        MemorySegment.copy(memory, data + at, copy, 0, size - at);
        MemorySegment.copy(memory, data, copy, size - at, length - (size - at));
        return copy.asReadOnly();
    }

    private MemorySegment data(int cpu, MemorySegment record) {
        int type = record.get(ValueLayout.JAVA_INT, PerfRecordLayout.TYPE);
        int bytes = record.get(ValueLayout.JAVA_INT, PerfRecordLayout.RAW);
        if (type != MapConstants.PERF_RECORD_SAMPLE || bytes < 0 || bytes > record.byteSize() - PerfRecordLayout.SIZE) {
            throw damaged(cpu, "a record of type " + type + " with " + bytes + " bytes of data");
        }
        return record.asSlice(PerfRecordLayout.SIZE, bytes);
    }

    /** Records handed over so far. */
    public long delivered() {
        return delivered;
    }

    /** Losses that records told of so far; {@link PerfBuffers#losses} also knows those that none tells of yet. */
    public long reportedLosses() {
        return reported;
    }

    /**
     * Sleeps until a record can be drained, at most {@code timeout}.
     *
     * @return true when {@link #drain} has something to do
     */
    public boolean await(Duration timeout) {
        long nanos = timeout.toNanos();
        long deadline = System.nanoTime() + nanos;
        int doorbell = region.getAcquire(PerfLayout.DOORBELL);
        if (recordsSinceWait >= BURST_RECORDS && nanos > PAUSE_NANOS) {
            Futex.await(region.memory(), PerfLayout.DOORBELL, doorbell, PAUSE_NANOS); // nobody rings but wake()
        }
        recordsSinceWait = 0;
        while (!isReady()) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            doorbell = region.getAcquire(PerfLayout.DOORBELL);
            region.getAndAdd(PerfLayout.SLEEPING, 1); // a fence: who completes a record later sees it
            if (!isReady()) {
                Futex.await(region.memory(), PerfLayout.DOORBELL, doorbell, left);
            }
            region.set(PerfLayout.SLEEPING, 0);
        }
        return true;
    }

    /** Wakes a sleeping {@link #await} so that its caller can look around; the wait may return before its time. */
    public void wake() {
        region.getAndAdd(PerfLayout.DOORBELL, 1);
        Futex.wake(region.memory(), PerfLayout.DOORBELL, 1);
    }

    private boolean isReady() {
        for (int cpu = 0; cpu < buffers.cpus(); cpu++) {
            long page = buffers.page(cpu);
            if (region.getLongAcquire(page + PerfPageLayout.DATA_HEAD)
                    != region.getLong(page + PerfPageLayout.DATA_TAIL)) {
                return true;
            }
        }
        return false;
    }

    private DamagedMapException damaged(int cpu, String what) {
        return new DamagedMapException(
                buffers.spec(), "processor " + cpu + ": " + what + "; a process that maps it has written over it");
    }
}

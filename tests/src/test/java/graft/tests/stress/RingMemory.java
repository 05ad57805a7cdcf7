package graft.tests.stress;

import graft.ebpf.maps.BpfMap;
import graft.platform.layout.MapConstants;
import graft.platform.layout.RecordLayout;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A target's half of a ring, with the agent's order of stores and loads, over a mapping of its own. Samples are three
 * longs of one number; one is alone in what it does here, as under the ring's lock. The mapping lasts as long as the process.
 */
final class RingMemory {
    /** A sample that is not the same number throughout. */
    static final long MIXTURE = -1;

    static final int SAMPLE = 3 * Long.BYTES;
    private static final int ROOM = RecordLayout.SIZE + SAMPLE;
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    private final MemorySegment memory;
    private final long size;

    RingMemory(BpfMap ring) {
        this.size = ring.spec().maxEntries();
        long mapped = MapConstants.RING_DATA_OFFSET + size;
        this.memory = SharedRegion.map(ring.fd(), mapped, SharedRegion.Access.READ_WRITE)
                .segment();
    }

    private long header(long position) {
        return MapConstants.RING_DATA_OFFSET + (position & size - 1);
    }

    /** Where the {@code index}th long of a sample is: rings without a second mapping wrap. */
    private long word(long position, int index) {
        return header(position + RecordLayout.SIZE + (long) index * Long.BYTES);
    }

    /** Reserves a record, fills it and submits it: {@code ring.c}. There is room. */
    void produce(long number) {
        long at = (long) LONG.get(memory, (long) MapConstants.RING_PRODUCER_OFFSET);
        INT.setOpaque(memory, header(at) + RecordLayout.LENGTH, SAMPLE | MapConstants.RECORD_BUSY);
        LONG.setRelease(memory, (long) MapConstants.RING_PRODUCER_OFFSET, at + ROOM);
        for (int i = 0; i < SAMPLE / Long.BYTES; i++) {
            LONG.set(memory, word(at, i), number);
        }
        INT.setRelease(memory, header(at) + RecordLayout.LENGTH, SAMPLE);
    }

    /** The next sample that is submitted, or 0: {@code user-ring.c}. */
    long consume() {
        long produced = (long) LONG.getAcquire(memory, (long) MapConstants.RING_PRODUCER_OFFSET);
        long consumed = (long) LONG.getAcquire(memory, (long) MapConstants.RING_CONSUMER_OFFSET);
        if (consumed >= produced) {
            return 0;
        }
        int header = (int) INT.getAcquire(memory, header(consumed) + RecordLayout.LENGTH);
        if ((header & MapConstants.RECORD_BUSY) != 0) {
            return 0;
        }
        long number = (long) LONG.get(memory, word(consumed, 0));
        boolean whole = header == SAMPLE;
        for (int i = 1; i < SAMPLE / Long.BYTES; i++) {
            whole &= (long) LONG.get(memory, word(consumed, i)) == number;
        }
        LONG.setRelease(memory, (long) MapConstants.RING_CONSUMER_OFFSET, consumed + ROOM);
        return whole ? number : MIXTURE;
    }
}

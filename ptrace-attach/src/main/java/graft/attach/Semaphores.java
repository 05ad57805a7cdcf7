package graft.attach;

import graft.attach.UndoRecord.Counter;
import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.StateLayout;
import graft.platform.proc.MemoryMapping;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * Counters in a target that are one higher while somebody looks at a static probe. Others count them too, so an undo must
 * not put an old number back, and must not count down twice: a mark in the target's runtime region says that all of them
 * were counted up. It is set after the last and cleared before the first is counted down. A daemon that was killed in
 * between leaves counters without the mark; those that are one more than the journal says are counted down.
 */
final class Semaphores {
    private static final byte[] RAISED = {1, 0, 0, 0};
    private static final byte[] LOWERED = new byte[4];

    private final Target target;
    private final List<Counter> counters;

    Semaphores(Target target, List<Counter> counters) {
        this.target = target;
        this.counters = counters;
    }

    /** What the counters are before anything is changed. */
    static List<Counter> read(Target target, List<RemoteAddress> addresses, ProcMaps maps) {
        return addresses.stream()
                .map(address -> new Counter(
                        address,
                        value(target, address),
                        maps.at(address).map(MemoryMapping::inode).orElse(0L)))
                .toList();
    }

    /** Counts all of them up; {@code mapped} is what was mapped for the injection. */
    void raise(List<Range> mapped) {
        for (Counter counter : counters) {
            target.steps().before("semaphore-raised");
            add(counter.address(), 1);
        }
        if (!counters.isEmpty()) {
            target.steps().before("semaphores-marked");
            target.memory().writeBytes(mark(mapped).orElseThrow(), RAISED);
        }
    }

    /** Takes back what {@link #raise} has done, however far it came; {@code mapped} is what is there of the injection. */
    void lower(List<Range> mapped, LoadedText text) {
        Optional<RemoteAddress> mark = mark(mapped);
        if (counters.isEmpty() || mark.isEmpty()) {
            return; // mapped before the first is counted up, unmapped after the last was counted down
        }
        boolean all = target.memory().readBytes(mark.get(), RAISED.length)[0] != 0;
        if (all) {
            target.steps().before("semaphores-unmarked");
            target.memory().writeBytes(mark.get(), LOWERED);
        }
        for (Counter counter : counters) {
            int now = text.holds(counter) ? value(target, counter.address()) : 0;
            if (now > 0 && (all || now == counter.before() + 1)) {
                target.steps().before("semaphore-lowered");
                add(counter.address(), -1);
            }
        }
    }

    /** The mark is in the runtime region of the first pool. */
    private static Optional<RemoteAddress> mark(List<Range> mapped) {
        return mapped.stream()
                .filter(range -> range.kind() == Kind.RUNTIME)
                .findFirst()
                .map(runtime -> runtime.address().plus(PoolConstants.STATE_OFFSET + StateLayout.SEMAPHORES));
    }

    private void add(RemoteAddress address, int change) {
        target.memory().writeBytes(address, bytes(value(target, address) + change));
    }

    private static byte[] bytes(int value) {
        return ByteBuffer.allocate(Short.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) value)
                .array();
    }

    private static int value(Target target, RemoteAddress address) {
        byte[] bytes = target.memory().readBytes(address, Short.BYTES);
        return Short.toUnsignedInt(
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getShort());
    }
}

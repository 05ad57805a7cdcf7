package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ProcessVm;
import graft.platform.linux.UserRegs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Whether any thread can still run code of a pool: its program counter, a word of its stack that looks like an address
 * in a pool, or a return slot whose stack slot still holds our address. Conservative: a stale word counts.
 */
final class IdleProof {
    private static final long RED_ZONE = 128;
    private static final int STACK_MAX = 1 << 20;
    private static final int RETURN_SLOT_BYTES = 16;
    private static final int RETURN_SLOTS_BYTES = PoolConstants.RETURN_SLOTS * RETURN_SLOT_BYTES;

    private final Target target;
    private final List<Range> pools;
    private final List<Range> runtimes;
    private final MemorySegment buffer;
    private Optional<ProcMaps> maps = Optional.empty();

    /** The stop must not pay for the buffer: {@code arena} holds it. */
    IdleProof(Target target, List<Range> pools, List<Range> mapped, Arena arena) {
        this.buffer = arena.allocate(STACK_MAX, 8);
        this.target = target;
        this.pools = pools;
        this.runtimes =
                mapped.stream().filter(range -> range.kind() == Kind.RUNTIME).toList();
    }

    /** Before the stop: where stacks end. */
    void readMaps() {
        maps = Optional.of(ProcMaps.read(target.pid()));
    }

    boolean holds(List<TracedThread> stopped) {
        if (pools.isEmpty()) {
            return true;
        }
        for (TracedThread thread : stopped) {
            if (Undo.inside(pools, thread.programCounter()) || stackPointsIn(thread)) {
                return false;
            }
        }
        for (Range runtime : runtimes) {
            if (returnsPending(runtime)) {
                return false;
            }
        }
        return true;
    }

    private boolean stackPointsIn(TracedThread thread) {
        long bottom = UserRegs.RSP.get(thread.registers) - RED_ZONE & -8L;
        long end = maps.flatMap(all -> all.at(new RemoteAddress(bottom + RED_ZONE)))
                .map(stack -> stack.end().value())
                .orElse(bottom);
        long size = Math.min(end - bottom, STACK_MAX);
        if (size <= 0) {
            return false;
        }
        long read = ProcessVm.read(target.pid(), new RemoteAddress(bottom), buffer.asSlice(0, size));
        for (long at = 0; at + 8 <= read; at += 8) {
            if (Undo.inside(pools, buffer.get(JAVA_LONG, at))) {
                return true;
            }
        }
        return false;
    }

    private boolean returnsPending(Range runtime) {
        MemorySegment slots = buffer.asSlice(0, RETURN_SLOTS_BYTES);
        MemorySegment word = buffer.asSlice(RETURN_SLOTS_BYTES, 8);
        if (ProcessVm.read(target.pid(), runtime.address().plus(PoolConstants.RETURN_SLOTS_OFFSET), slots)
                != RETURN_SLOTS_BYTES) {
            return false;
        }
        for (long at = 0; at < RETURN_SLOTS_BYTES; at += RETURN_SLOT_BYTES) {
            long slot = slots.get(JAVA_LONG, at);
            if (slot != 0
                    && ProcessVm.read(target.pid(), new RemoteAddress(slot), word) == 8
                    && Undo.inside(pools, word.get(JAVA_LONG, 0))) {
                return true;
            }
        }
        return false;
    }
}

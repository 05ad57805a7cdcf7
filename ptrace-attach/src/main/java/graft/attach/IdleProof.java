package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.IdleLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessStatus;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What the tracer needs to tell whether any thread can still run code of a pool: its program counter, a signal frame on
 * its stack, or a return slot whose stack word still holds our address. Such a word gets the original address back, but
 * where the processor keeps return addresses of its own, which cannot be changed: there the call has to end.
 */
final class IdleProof {
    private static final long PAIR = 16;

    private final List<Range> pools;
    private final List<Range> runtimes;
    private final Hole hole;
    private final Arena arena;
    private final MemorySegment buffer;

    /** Runs code of the hole as little as code of a pool. {@code arena} holds the buffers of all stops. */
    IdleProof(List<Range> mapped, Hole hole, Arena arena) {
        this.pools = mapped.stream().filter(range -> range.kind() == Kind.POOL).toList();
        this.runtimes =
                mapped.stream().filter(range -> range.kind() == Kind.RUNTIME).toList();
        this.hole = hole;
        this.arena = arena;
        this.buffer = Stacks.buffer(arena);
    }

    /** A {@code struct graft_idle} for the next stop, whose frames are looked at with the mappings of now. */
    MemorySegment prepare(int pid, Operations operations) {
        MemorySegment ranges = arena.allocate((pools.size() + 1) * PAIR, 8);
        for (int i = 0; i < pools.size(); i++) {
            pair(ranges, i, pools.get(i).address(), pools.get(i).size());
        }
        pair(ranges, pools.size(), hole.address(), Hole.SIZE);
        List<MemoryMapping> all = ProcMaps.read(pid).mappings();
        operations.lookAtFrames(Stacks.of(all, arena, buffer));
        List<MemoryMapping> others = all.stream().filter(this::isPoolOfOthers).toList();
        MemorySegment otherPools = arena.allocate(Math.max(1, others.size()) * PAIR, 8);
        for (int i = 0; i < others.size(); i++) {
            pair(otherPools, i, others.get(i).start(), others.get(i).size());
        }
        MemorySegment tables = arena.allocate(Math.max(1, runtimes.size()) * 8L, 8);
        for (int i = 0; i < runtimes.size(); i++) {
            RemoteAddress table = runtimes.get(i).address().plus(PoolConstants.RETURN_SLOTS_OFFSET);
            tables.setAtIndex(JAVA_LONG, i, table.value());
        }
        MemorySegment idle = arena.allocate(IdleLayout.SIZE, 8);
        idle.set(JAVA_LONG, IdleLayout.POOLS, ranges.address());
        idle.set(JAVA_LONG, IdleLayout.POOL_COUNT, pools.size() + 1);
        idle.set(JAVA_LONG, IdleLayout.SLOTS, tables.address());
        idle.set(JAVA_LONG, IdleLayout.SLOT_TABLES, runtimes.size());
        idle.set(JAVA_LONG, IdleLayout.OTHERS, otherPools.address());
        idle.set(JAVA_LONG, IdleLayout.OTHER_COUNT, others.size());
        idle.set(JAVA_LONG, IdleLayout.KEEP_WRAPS, hasShadowStack(pid) ? 1 : 0);
        all.stream()
                .filter(mapping -> mapping.path().filter("[vdso]"::equals).isPresent())
                .findFirst()
                .ifPresent(vdso -> {
                    idle.set(JAVA_LONG, IdleLayout.VDSO_START, vdso.start().value());
                    idle.set(JAVA_LONG, IdleLayout.VDSO_END, vdso.start().value() + vdso.size());
                });
        return idle;
    }

    private boolean isPoolOfOthers(MemoryMapping mapping) {
        return mapping.isExecutable()
                && mapping.path()
                        .filter(path -> path.startsWith("/memfd:" + PoolImage.NAME))
                        .isPresent()
                && pools.stream().noneMatch(pool -> pool.address().equals(mapping.start()));
    }

    private static boolean hasShadowStack(int pid) {
        return ProcessStatus.find(pid)
                .orElseThrow(() -> new TraceeGoneException(pid, "looking at its features"))
                .features()
                .contains("shstk");
    }

    private static void pair(MemorySegment pairs, int index, RemoteAddress start, long size) {
        pairs.setAtIndex(JAVA_LONG, 2L * index, start.value());
        pairs.setAtIndex(JAVA_LONG, 2L * index + 1, start.value() + size);
    }
}

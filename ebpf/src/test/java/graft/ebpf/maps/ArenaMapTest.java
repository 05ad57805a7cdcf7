package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.ArenaLayout;
import graft.platform.layout.MapConstants;
import org.junit.jupiter.api.Test;

/** What is behind the pages of an arena. */
class ArenaMapTest {
    private static final int PAGES = 70;
    private static final int DEAD = 4711;

    private static ArenaMap arena(int variableBytes) {
        MapSpec spec = new MapSpec.Builder("arena", MapType.ARENA)
                .sizes(0, 0, PAGES)
                .flags(MapSpec.MMAPABLE)
                .content(new MapSpec.Content(new byte[variableBytes]))
                .build();
        return (ArenaMap) ((MapCreation.Created) MapCreation.create(spec)).map();
    }

    private static long bits(ArenaMap arena, int word) {
        return arena.region.getLongAcquire(
                arena.area().bytes() + MapConstants.ARENA_BITS_OFFSET + (long) word * Long.BYTES);
    }

    @Test
    void pagesOfVariablesAreInUse() {
        try (ArenaMap none = arena(0);
                ArenaMap two = arena(4097);
                ArenaMap many = arena(66 * 4096)) {
            assertThat(bits(none, 0)).isZero();
            assertThat(bits(two, 0)).isEqualTo(0b11);
            assertThat(bits(many, 0)).isEqualTo(-1);
            assertThat(bits(many, 1)).isEqualTo(0b11);
            assertThat(many.memory().byteSize()).isEqualTo(PAGES * 4096L);
        }
    }

    @Test
    void aDeadProcessLeavesItsLock() {
        try (ArenaMap arena = arena(0)) {
            long lock = arena.area().bytes() + ArenaLayout.LOCK;
            arena.region.setLongRelease(lock, (long) DEAD << 32 | DEAD);

            assertThat(arena.lockHolders()).containsExactly(DEAD);
            assertThat(arena.releaseLocksOf(DEAD + 1)).isZero();
            assertThat(arena.releaseLocksOf(DEAD)).isEqualTo(1);
            assertThat(arena.region.getLongAcquire(lock)).isZero();
            assertThat(arena.lockHolders()).isEmpty();
        }
    }
}

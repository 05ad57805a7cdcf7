package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.MapConstants;
import graft.platform.layout.PerfLostLayout;
import graft.platform.layout.PerfPageLayout;
import graft.platform.layout.PerfRecordLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Perf buffers as a dead or broken process leaves them. */
class PerfRecoveryTest {
    private static final int DEAD = 4242;
    private static final int RECORD = 32;

    @Test
    void aRecordOfADeadProcessIsALossAndWhatIsBehindItIsRead() {
        try (PerfBuffers buffers = buffers()) {
            begun(buffers, 0, MapConstants.PERF_RECORD_BUSY | DEAD);
            begun(buffers, RECORD, MapConstants.PERF_RECORD_SAMPLE);
            begun(buffers, 2 * RECORD, MapConstants.PERF_RECORD_BUSY | DEAD + 1);
            set(buffers, PerfPageLayout.RESERVED, 3 * RECORD);
            set(buffers, PerfPageLayout.LOCK, (long) DEAD << 32 | DEAD);
            assertThat(buffers.reader().await(Duration.ZERO)).isFalse();

            assertThat(buffers.releaseLocksOf(DEAD)).isEqualTo(1);
            assertThat(buffers.ownerDied(DEAD)).isEqualTo(1);
            List<Long> sizes = new ArrayList<>();
            assertThat(buffers.reader().drain((_, data) -> sizes.add(data.byteSize()), 10))
                    .isEqualTo(1);
            assertThat(sizes).containsExactly(20L);
            assertThat(buffers.reader().reportedLosses()).isEqualTo(1);
            assertThat(buffers.losses()).isEqualTo(new RingLosses(0, 0, 0, 1));
            assertThat(buffers.ownerDied(DEAD)).isZero();
            assertThat(buffers.reader().await(Duration.ZERO)).isFalse(); // for the one that still lives
        }
    }

    @Test
    void nonsenseIsReported() {
        for (long head : new long[] {-8, 1, 1L << 40, Long.MIN_VALUE}) {
            try (PerfBuffers buffers = buffers()) {
                set(buffers, PerfPageLayout.DATA_HEAD, head);
                set(buffers, PerfPageLayout.RESERVED, head + 3);
                buffers.ownerDied(DEAD);
                assertThatThrownBy(() -> buffers.reader().drain((_, _) -> {}, 10))
                        .isInstanceOf(DamagedMapException.class)
                        .hasMessageStartingWith("map events: processor 0: ");
            }
        }
    }

    @Test
    @Timeout(20)
    void positionsFurtherApartThanNumbersReachEndAsWell() {
        try (PerfBuffers buffers = buffers()) {
            for (int at = 0; at < buffers.dataBytes(); at += RECORD) {
                begun(buffers, at, MapConstants.PERF_RECORD_SAMPLE);
            }
            set(buffers, PerfPageLayout.DATA_HEAD, Long.MIN_VALUE);
            set(buffers, PerfPageLayout.RESERVED, Long.MAX_VALUE - 7);
            assertThat(buffers.ownerDied(DEAD)).isZero();
        }
    }

    private static PerfBuffers buffers() {
        return PerfBuffers.create(MapSpec.of("events", MapType.PERF_EVENT_ARRAY, 4, 4, 0));
    }

    private static void set(PerfBuffers buffers, int field, long value) {
        buffers.region().setLongRelease(buffers.page(0) + field, value);
    }

    private static void begun(PerfBuffers buffers, long position, int type) {
        long at = buffers.page(0) + PerfPageLayout.SIZE + position;
        buffers.region().setLong(at + PerfLostLayout.HEAD, type & 0xffffffffL | (long) RECORD << 48);
        buffers.region().set(at + PerfRecordLayout.RAW, RECORD - PerfRecordLayout.SIZE);
    }
}

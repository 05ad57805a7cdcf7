package graft.rewriter.plan;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.rewriter.plan.PoolPlacement.Range;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where memory goes that need not be near to code. */
class PoolPlacementTest {
    private static final long SIZE = 256L << 20;
    private static final Range PROGRAM = range(0x5555_5555_4000L, 0x5555_5555_9000L);
    private static final Range LIBRARIES = range(0x7fff_f000_0000L, 0x7fff_fffe_0000L);

    private static Range range(long start, long end) {
        return new Range(new RemoteAddress(start), new RemoteAddress(end));
    }

    @Test
    void dataGoesIntoTheLargestGapAndLeavesItsMiddleFree() {
        long at = PoolPlacement.inLargestGap(List.of(PROGRAM, LIBRARIES), SIZE)
                .orElseThrow()
                .value();
        long middle = PROGRAM.start().value() / 2;
        assertThat(at).isBetween(SIZE, middle - 2 * SIZE);
        assertThat(at % (2 << 20)).isZero();
    }

    @Test
    void whatIsPlacedNextFindsAnotherPlace() {
        RemoteAddress first =
                PoolPlacement.inLargestGap(List.of(PROGRAM, LIBRARIES), SIZE).orElseThrow();
        Range taken = new Range(first, first.plus(SIZE));
        long second = PoolPlacement.inLargestGap(List.of(taken, PROGRAM, LIBRARIES), SIZE)
                .orElseThrow()
                .value();
        long middle = (taken.end().value() + PROGRAM.start().value()) / 2;
        assertThat(middle < second || middle >= second + SIZE).isTrue();
        assertThat(second).isGreaterThanOrEqualTo(taken.end().value());
    }

    @Test
    void aFullAddressSpaceHasNoPlace() {
        Range all = range(1L << 24, 0x7fff_ffff_0000L - SIZE);
        assertThat(PoolPlacement.inLargestGap(List.of(all), SIZE)).isEmpty();
    }
}

package graft.platform.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FutexTest {
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(30);

    @Test
    void waitReturnsAtOnceWhenTheWordHasChanged() {
        try (NativeFd fd = Mman.sealedMemfd("graft-test", 4096, 0);
                SharedRegion region = SharedRegion.map(fd, 4096, SharedRegion.Access.READ_WRITE)) {
            assertThat(Futex.await(region.segment(), 8, 1, LONG_ENOUGH.toNanos()))
                    .isEqualTo(Futex.Wait.CHANGED);
        }
    }

    @Test
    void waitEndsWhenTheTimeIsUp() {
        try (NativeFd fd = Mman.sealedMemfd("graft-test", 4096, 0);
                SharedRegion region = SharedRegion.map(fd, 4096, SharedRegion.Access.READ_WRITE)) {
            assertThat(Futex.await(region.segment(), 8, 0, 1_000_000)).isEqualTo(Futex.Wait.TIMED_OUT);
        }
    }

    @Test
    void wakeReachesAWaiterThroughAnotherMapping() throws InterruptedException {
        try (NativeFd fd = Mman.sealedMemfd("graft-test", 4096, 0);
                SharedRegion mine = SharedRegion.map(fd, 4096, SharedRegion.Access.READ_WRITE);
                SharedRegion theirs = SharedRegion.map(fd, 4096, SharedRegion.Access.READ_WRITE)) {
            Futex.Wait[] outcome = new Futex.Wait[1];
            Thread waiter = Thread.ofPlatform()
                    .start(() -> outcome[0] = Futex.await(mine.segment(), 0, 0, LONG_ENOUGH.toNanos()));
            while (Futex.wake(theirs.segment(), 0, 1) == 0) {
                Thread.onSpinWait();
            }
            waiter.join();
            assertThat(outcome[0]).isEqualTo(Futex.Wait.WOKEN);
            assertThat(Futex.wake(theirs.segment().asSlice(0, 8), 4, Integer.MAX_VALUE))
                    .isZero();
            assertThat(theirs.segment().get(ValueLayout.JAVA_INT, 0)).isZero();
        }
    }
}

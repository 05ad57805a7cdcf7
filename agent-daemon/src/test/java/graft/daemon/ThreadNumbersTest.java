package graft.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.layout.NewcomerLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Futex;
import graft.platform.linux.SharedRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.junit.jupiter.api.Test;

/** What stands in the memory that targets write to. */
class ThreadNumbersTest {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final long TOKEN = 12345;

    /** Or whoever asks there next could get its answer. */
    @Test
    void theDaemonEmptiesThePlaceOfAProcessThatHasGivenUp() throws InterruptedException {
        try (ThreadNumbers numbers = new ThreadNumbers();
                SharedRegion region =
                        SharedRegion.map(numbers.fd(), PoolConstants.NUMBERS_SIZE, SharedRegion.Access.READ_WRITE)) {
            MemorySegment memory = region.segment();
            long at = PoolConstants.NEWCOMERS_OFFSET;
            INT.setVolatile(memory, at + NewcomerLayout.TAKEN, 1);
            INT.setVolatile(memory, at + NewcomerLayout.NUMBER, (int)
                    ProcessHandle.current().pid()); // the late answer
            LONG.setVolatile(memory, at + NewcomerLayout.TOKEN, TOKEN);
            ring(memory);
            awaitEmpty(memory, at + NewcomerLayout.TAKEN);
            assertThat((long) LONG.getVolatile(memory, at + NewcomerLayout.TOKEN))
                    .isZero();
        }
    }

    /** It has a place, and has not said yet what it is to be known by. */
    @Test
    void theDaemonEmptiesThePlaceOfAProcessThatIsKilledBeforeItAsks() throws InterruptedException, IOException {
        Process asking = new ProcessBuilder("cat").start();
        try (ThreadNumbers numbers = new ThreadNumbers();
                SharedRegion region =
                        SharedRegion.map(numbers.fd(), PoolConstants.NUMBERS_SIZE, SharedRegion.Access.READ_WRITE)) {
            MemorySegment memory = region.segment();
            long place = PoolConstants.NEWCOMERS_OFFSET + NewcomerLayout.TAKEN;
            long gone = place + NewcomerLayout.SIZE;
            INT.setVolatile(memory, place, (int) asking.pid());
            INT.setVolatile(memory, gone, Integer.MAX_VALUE); // no process has that
            awaitEmpty(memory, gone);
            assertThat((int) INT.getVolatile(memory, place)).isEqualTo(asking.pid());
            asking.destroyForcibly().waitFor();
            awaitEmpty(memory, place);
        } finally {
            asking.destroyForcibly();
        }
    }

    private static void awaitEmpty(MemorySegment memory, long place) throws InterruptedException {
        while ((int) INT.getVolatile(memory, place) != 0) {
            Thread.sleep(1);
        }
    }

    private static void ring(MemorySegment memory) {
        INT.getAndAdd(memory, (long) PoolConstants.NUMBERS_BELL, 1);
        Futex.wake(memory, PoolConstants.NUMBERS_BELL, 1);
    }
}

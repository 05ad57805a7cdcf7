package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** {@code poll.h}: waiting for one descriptor. */
public final class Poll {
    private static final short POLLIN = 1;
    private static final int POLLFD_BYTES = 8;
    private static final int TIMESPEC_BYTES = 16;

    private Poll() {}

    /** How a wait ended. */
    public enum Wait {
        /** There is something to read, or an error to be read. */
        READY,
        /** Time is over, or a signal came: look at what may have changed and wait again. */
        ENDED
    }

    /** {@code ppoll(2)} until {@code fd} can be read, at most for {@code limit}. */
    public static Wait readable(NativeFd fd, Duration limit) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pollFd = arena.allocate(POLLFD_BYTES, 8);
            MemorySegment time = arena.allocate(TIMESPEC_BYTES, 8);
            pollFd.set(JAVA_INT, 0, fd.number());
            pollFd.set(JAVA_SHORT, 4, POLLIN);
            time.set(JAVA_LONG, 0, limit.toSeconds());
            time.set(JAVA_LONG, 8, limit.toNanosPart());
            long ready = Syscall.PPOLL.raw(pollFd.address(), 1, time.address(), 0, 0, 0);
            if (ready == -Errno.EINTR) {
                return Wait.ENDED;
            }
            return Syscall.PPOLL.checked(ready, "waiting for " + fd) > 0 ? Wait.READY : Wait.ENDED;
        }
    }
}

package graft.platform.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@code eventfd(2)}: a descriptor that can be read, and that {@code epoll} and {@code poll} call readable, once it was signalled. */
public final class EventFd implements AutoCloseable {
    private static final int EFD_NONBLOCK = 0x800;
    private static final int EFD_CLOEXEC = 0x80000;

    private final NativeFd fd;

    private EventFd(NativeFd fd) {
        this.fd = fd;
    }

    /** One that was not signalled; reading it never blocks. */
    public static EventFd create(String what) {
        long fd = Syscall.EVENTFD2.raw(0, EFD_NONBLOCK | EFD_CLOEXEC, 0, 0, 0, 0);
        return new EventFd(new NativeFd((int) Syscall.EVENTFD2.checked(fd, "creating " + what), what));
    }

    /** Stays owned by this. */
    public NativeFd fd() {
        return fd;
    }

    /** Makes it readable. */
    public void signal() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
            long result = Syscall.WRITE.raw(fd.number(), one.address(), Long.BYTES, 0, 0, 0);
            if (result != -Errno.EAGAIN) { // it is full of signals, and readable
                Syscall.WRITE.checked(result, "signalling " + fd);
            }
        }
    }

    /** How often it was signalled since this was last asked; it is not readable any more. */
    public long take() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
            long result = Syscall.READ.raw(fd.number(), count.address(), Long.BYTES, 0, 0, 0);
            if (result == -Errno.EAGAIN) {
                return 0;
            }
            Syscall.READ.checked(result, "reading " + fd);
            return count.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}

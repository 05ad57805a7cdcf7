package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/** {@code unistd.h}: descriptors and process ids. */
public final class Unistd {
    private static final long AT_FDCWD = -100;
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final int O_RDWR = 2;
    private static final int O_NOFOLLOW = 0x20000;
    private static final int O_CLOEXEC = 0x80000;
    private static final int O_DIRECTORY = 0x10000;
    private static final int O_PATH = 0x200000;

    private Unistd() {}

    /** {@code getpagesize(3)}. */
    static int pageSize() {
        MethodHandle pageSize = NativeCalls.link("getpagesize", FunctionDescriptor.of(JAVA_INT));
        try {
            return (int) pageSize.invokeExact(NativeCalls.capture());
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
    }

    /** {@code close(2)}. An error is reported and the descriptor is gone all the same, as Linux does it. */
    public static void close(int fd) {
        Syscall.CLOSE.call("closing descriptor " + fd, fd);
    }

    /**
     * {@code flock(2)} for one holder, without waiting. The lock is given back when the last descriptor of this opening is
     * closed, at the latest when the process ends.
     *
     * @return whether nobody else holds it
     */
    public static boolean tryLock(NativeFd fd) {
        long result = Syscall.FLOCK.raw(fd.number(), LOCK_EX | LOCK_NB, 0, 0, 0, 0);
        if (result < 0 && result != -Errno.EAGAIN) {
            throw new SysException("flock", (int) -result, "locking " + fd);
        }
        return result == 0;
    }

    /** {@code open(2)} of a folder, for reading its entries. */
    public static NativeFd openFolder(String path) {
        return open(path, O_DIRECTORY);
    }

    /** {@code open(2)} of whatever is there, for asking what it is ({@code O_PATH}). */
    public static NativeFd openPath(String path) {
        return open(path, O_PATH);
    }

    /** {@code open(2)} of a file that is there and no link, for reading and writing. */
    public static NativeFd openFile(String path) {
        return open(path, O_RDWR | O_NOFOLLOW);
    }

    /** {@code open(2)}; the descriptor is closed by an exec. */
    static NativeFd open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(path).address();
            long result = Syscall.OPENAT.raw(AT_FDCWD, name, flags | O_CLOEXEC, 0, 0, 0);
            if (result < 0) {
                throw new SysException("open", (int) -result, "opening " + path);
            }
            return new NativeFd((int) result, path);
        }
    }
}

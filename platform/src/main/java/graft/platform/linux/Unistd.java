package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/** {@code unistd.h}: descriptors and process ids. */
public final class Unistd {
    private static final long AT_FDCWD = -100;
    private static final int O_CLOEXEC = 0x80000;
    private static final int O_DIRECTORY = 0x10000;

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

    /** {@code open(2)} of a folder, for reading its entries. */
    public static NativeFd openFolder(String path) {
        return open(path, O_DIRECTORY);
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

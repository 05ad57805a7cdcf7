package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** {@code unistd.h}: descriptors and process ids. */
public final class Unistd {
    private static final MethodHandle CLOSE = NativeCalls.link("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

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
        MemorySegment capture = NativeCalls.capture();
        int result;
        try {
            result = (int) CLOSE.invokeExact(capture, fd);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
        if (result == -1) {
            throw new SysException("close", NativeCalls.errno(capture), "closing descriptor " + fd);
        }
    }
}

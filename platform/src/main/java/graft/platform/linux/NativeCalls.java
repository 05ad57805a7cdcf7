package graft.platform.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Links libc functions with errno captured by the call itself. Each header area (one class, such as {@code Ptrace})
 * links its own handles in a holder, so that a short command pays only for the areas it uses.
 *
 * <p>errno is captured into a segment that belongs to the calling thread: two threads never share one, and nothing is
 * allocated per call.
 */
final class NativeCalls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");
    private static final VarHandle ERRNO =
            Linker.Option.captureStateLayout().varHandle(PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));

    private NativeCalls() {}

    /** A fixed-arity libc function; the handle takes the capture segment first. */
    static MethodHandle link(String name, FunctionDescriptor shape) {
        return LINKER.downcallHandle(LIBC.findOrThrow(name), shape, CAPTURE_ERRNO);
    }

    /** A variadic libc function whose first {@code fixed} parameters are named. */
    static MethodHandle linkVariadic(String name, FunctionDescriptor shape, int fixed) {
        return LINKER.downcallHandle(
                LIBC.findOrThrow(name), shape, Linker.Option.firstVariadicArg(fixed), CAPTURE_ERRNO);
    }

    /** This thread's capture segment, to be passed as the first argument of every linked handle. */
    static MemorySegment capture() {
        return CAPTURE.get();
    }

    /** The errno that the last call with {@code capture} left. Meaningful only after that call returned -1. */
    static int errno(MemorySegment capture) {
        return (int) ERRNO.get(capture, 0L);
    }

    /** Wraps what a method handle can throw; a native call throws nothing, so this is a broken invariant. */
    static AssertionError unexpected(Throwable thrown) {
        return new AssertionError("a native call threw", thrown);
    }
}

package graft.platform.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;

/** {@code linux/futex.h} on shared memory: wait for a word to change, wake who waits. Works across processes. */
public final class Futex {
    private static final int FUTEX_WAIT = 0;
    private static final int FUTEX_WAKE = 1;

    /** How a wait ended. */
    public enum Wait {
        /** Somebody woke this thread, or the kernel did without a reason: look at the word again. */
        WOKEN,
        /** The word was not the expected value when the kernel looked. */
        CHANGED,
        /** The time was up. */
        TIMED_OUT,
        /** A signal handler ran. */
        INTERRUPTED
    }

    private Futex() {}

    /**
     * Blocks while the 32-bit word at {@code offset} is {@code expected}, at most {@code nanos} nanoseconds. Blocks the
     * carrier of a virtual thread: use a platform thread.
     */
    public static Wait await(MemorySegment memory, long offset, int expected, long nanos) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(16, 8);
            time.set(ValueLayout.JAVA_LONG, 0, nanos / 1_000_000_000);
            time.set(ValueLayout.JAVA_LONG, 8, nanos % 1_000_000_000);
            return awaitUntil(memory, offset, expected, time.address());
        }
    }

    /** Blocks while the word is {@code expected}, without a limit. */
    public static Wait await(MemorySegment memory, long offset, int expected) {
        return awaitUntil(memory, offset, expected, 0);
    }

    private static Wait awaitUntil(MemorySegment memory, long offset, int expected, long time) {
        long result = Syscall.FUTEX.raw(word(memory, offset), FUTEX_WAIT, expected, time, 0, 0);
        Reference.reachabilityFence(memory);
        return switch ((int) -result) {
            case Errno.EAGAIN -> Wait.CHANGED;
            case Errno.ETIMEDOUT -> Wait.TIMED_OUT;
            case Errno.EINTR -> Wait.INTERRUPTED;
            default -> {
                Syscall.FUTEX.checked(result, "waiting for a word at +" + offset);
                yield Wait.WOKEN;
            }
        };
    }

    /**
     * Wakes at most {@code waiters} threads, in any process, that wait for the word.
     *
     * @return how many were woken
     */
    public static int wake(MemorySegment memory, long offset, int waiters) {
        long result = Syscall.FUTEX.raw(word(memory, offset), FUTEX_WAKE, waiters, 0, 0, 0);
        Reference.reachabilityFence(memory);
        return (int) Syscall.FUTEX.checked(result, "waking waiters of a word at +" + offset);
    }

    private static long word(MemorySegment memory, long offset) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException("a futex word must be in native memory");
        }
        return memory.asSlice(offset, 4, 4).address();
    }
}

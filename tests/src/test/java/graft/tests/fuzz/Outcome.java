package graft.tests.fuzz;

import com.sun.management.ThreadMXBean;
import graft.ebpf.verifier.Limits;
import java.lang.management.ManagementFactory;

/** What a target may answer to hostile input. */
final class Outcome {
    /** Far less than the kernel's: the same code, and more inputs in the same time. */
    static final Limits BUDGET = Limits.KERNEL.withInsns(10_000);

    /**
     * What one input may cost. Within {@link #BUDGET}, the most that any of two thousand kept inputs took was 33 ms of the
     * processor and 46 MiB in all, warm and without instrumentation; instrumented code is up to fifty times slower.
     * Both are counted for the thread: what else the machine does is not in them.
     */
    private static final long MOST_NANOS = 4_000_000_000L;

    private static final long MOST_BYTES = 128L << 20;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Outcome() {}

    /**
     * Runs {@code body}, which must not take more time of the processor or memory than an input is worth. What takes more
     * is judged by a second run: in the first one, classes may have been loaded and instrumented.
     */
    static void bounded(Runnable body) {
        Cost first = cost(body);
        Cost judged = first.isModest() ? first : cost(body);
        holds(judged.isModest(), "one input takes " + judged);
    }

    private static Cost cost(Runnable body) {
        long began = THREADS.getCurrentThreadCpuTime();
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        body.run();
        long bytes = THREADS.getCurrentThreadAllocatedBytes() - allocated;
        return new Cost(THREADS.getCurrentThreadCpuTime() - began, bytes);
    }

    /** What a thread needed. */
    private record Cost(long nanos, long bytes) {
        boolean isModest() {
            return nanos <= MOST_NANOS && bytes <= MOST_BYTES;
        }

        @Override
        public String toString() {
            return nanos / 1_000_000 + " ms of the processor and " + (bytes >> 20) + " MiB";
        }
    }

    /** Runs {@code body}; an exception of the documented kind is an answer when it says something. */
    static <E extends RuntimeException> void valueOr(Class<E> documented, Runnable body) {
        try {
            body.run();
        } catch (RuntimeException refused) {
            if (!documented.isInstance(refused)) {
                throw refused;
            }
            says(refused.getMessage(), refused);
        }
    }

    /** Fails when a refusal is empty. */
    static void says(String message, Object refusal) {
        if (message == null || message.isBlank()) {
            throw new AssertionError("refused without a reason: " + refusal);
        }
    }

    static void holds(boolean fact, String otherwise) {
        if (!fact) {
            throw new AssertionError(otherwise);
        }
    }
}

package graft.attach;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/**
 * Runs one operation on an OS thread of its own: ptrace belongs to the thread that seized, and when that thread ends,
 * the kernel lets go of everything it still holds.
 */
final class TracerThread {
    /** How the names of such threads begin, for sessions that find a process traced. */
    static final String NAME = "graft-tracer-";

    private TracerThread() {}

    static <T> T call(String name, Supplier<T> operation) {
        FutureTask<T> task = new FutureTask<>(operation::get);
        Thread thread = Thread.ofPlatform().name(NAME + name).daemon().start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException later) {
                    // A target is never left in the middle: the operation is short and ends first.
                    interrupted = true;
                }
            }
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof RuntimeException exception) {
                throw exception;
            }
            throw new AssertionError("the tracer thread failed", failed.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

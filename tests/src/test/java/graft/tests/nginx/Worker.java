package graft.tests.nginx;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** Looks at one worker of a server. */
final class Worker {
    private static final String EPOLL_WAIT = "232 ";
    private static final long LOOK_AGAIN_NANOS = 1_000_000;
    private static final long LIMIT_NANOS = 20_000_000_000L;

    private Worker() {}

    /** Waits until {@code pid} has nothing more to do: it waits for events. Only for servers without load. */
    static void awaitIdle(int pid) {
        long end = System.nanoTime() + LIMIT_NANOS;
        while (!read(pid, "syscall").startsWith(EPOLL_WAIT)) {
            if (System.nanoTime() > end) {
                throw new AssertionError("worker " + pid + " is not idle: " + read(pid, "syscall"));
            }
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }
    }

    private static String read(int pid, String file) {
        try {
            return Files.readString(Path.of("/proc", Integer.toString(pid), file));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file + " of worker " + pid, e);
        }
    }
}

package graft.tests.nginx;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * The connections of one local port, as the kernel counts them.
 *
 * @param accepted open ones that the server has taken
 * @param closing those that the other side has closed and the server not yet
 */
record ServerSockets(long accepted, long closing) {
    private static final long LIMIT_NANOS = 20_000_000_000L;
    private static final long LOOK_AGAIN_NANOS = 1_000_000;
    private static final int LOCAL = 1;
    private static final int STATE = 3;
    private static final int INODE = 9;
    private static final String ESTABLISHED = "01";
    private static final String CLOSE_WAIT = "08";

    static ServerSockets of(int port) {
        String suffix = ":%04X".formatted(port);
        long accepted = 0;
        long closing = 0;
        try {
            for (String line : Files.readAllLines(Path.of("/proc/net/tcp"))) {
                String[] fields = line.strip().split(" +");
                if (fields[LOCAL].endsWith(suffix)) {
                    accepted += fields[STATE].equals(ESTABLISHED) && !fields[INODE].equals("0") ? 1 : 0;
                    closing += fields[STATE].equals(CLOSE_WAIT) ? 1 : 0;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading the kernel's connections", e);
        }
        return new ServerSockets(accepted, closing);
    }

    /** Waits until the server has taken {@code connections}, all of which stay, and has closed all others. */
    static void awaitAccepted(int port, int connections) {
        long end = System.nanoTime() + LIMIT_NANOS;
        ServerSockets now = of(port);
        while (now.accepted != connections || now.closing != 0) {
            if (System.nanoTime() > end) {
                throw new AssertionError(now + " instead of " + connections);
            }
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
            now = of(port);
        }
    }
}

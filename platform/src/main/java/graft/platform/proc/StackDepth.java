package graft.platform.proc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many addresses the kernel puts into a stack trace. */
public final class StackDepth {
    private static final Path FILE = Path.of("/proc/sys/kernel/perf_event_max_stack");

    /** When the kernel was built without perf events. */
    private static final int USUAL = 127;

    private StackDepth() {}

    /** {@code kernel.perf_event_max_stack} now. The kernel gives it in the first read only: that has to be large enough. */
    public static int most() {
        if (!Files.exists(FILE)) {
            return USUAL;
        }
        try (BufferedReader file = Files.newBufferedReader(FILE)) {
            return Integer.parseInt(file.readLine());
        } catch (IOException failed) {
            throw new UncheckedIOException("reading " + FILE, failed);
        }
    }
}

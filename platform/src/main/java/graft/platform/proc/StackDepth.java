package graft.platform.proc;

import java.nio.file.Files;
import java.nio.file.Path;

/** How many addresses the kernel puts into a stack trace. */
public final class StackDepth {
    private static final Path FILE = Path.of("/proc/sys/kernel/perf_event_max_stack");

    /** When the kernel was built without perf events. */
    private static final int USUAL = 127;

    private StackDepth() {}

    /** {@code kernel.perf_event_max_stack} now. */
    public static int most() {
        return Files.exists(FILE) ? (int) Sysctl.number(FILE) : USUAL;
    }
}

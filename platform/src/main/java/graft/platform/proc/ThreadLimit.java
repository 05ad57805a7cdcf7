package graft.platform.proc;

import java.nio.file.Path;

/** How many threads there can be. */
public final class ThreadLimit {
    private static final Path NUMBERS = Path.of("/proc/sys/kernel/pid_max");
    private static final Path THREADS = Path.of("/proc/sys/kernel/threads-max");

    private ThreadLimit() {}

    /** As many as have different numbers, or twice as many as the kernel lets live at a time, when that is less. */
    public static int numbers() {
        return (int) Math.min(Sysctl.number(NUMBERS), 2 * Sysctl.number(THREADS));
    }
}

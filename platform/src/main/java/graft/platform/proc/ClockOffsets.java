package graft.platform.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * By how many nanoseconds the clocks of a process are ahead of the kernel's own: its time namespace ({@code time_namespaces(7)}).
 *
 * @param monotonic of {@code CLOCK_MONOTONIC}
 * @param boot of {@code CLOCK_BOOTTIME}, and of the times in {@code /proc} that the process reads
 */
public record ClockOffsets(long monotonic, long boot) {
    /** Those of the initial namespace, and of kernels without others. */
    public static final ClockOffsets NONE = new ClockOffsets(0, 0);

    private static final String SELF = "self";
    private static final long SECOND = 1_000_000_000;

    /** Those of this process. */
    public static ClockOffsets own() {
        return of(SELF);
    }

    /**
     * Those of a process. The kernel says them of the namespace for its children: one that has made another for these and is
     * not in this one's is taken to be in the initial one.
     */
    public static ClockOffsets of(int pid) {
        return of(Integer.toString(pid));
    }

    private static ClockOffsets of(String process) {
        Optional<Long> namespace = namespace(process, "time");
        if (namespace.isEmpty()) {
            return NONE;
        }
        if (namespace.equals(namespace(process, "time_for_children"))) {
            return read(process);
        }
        boolean shared = !process.equals(SELF) && namespace.equals(namespace(SELF, "time"));
        return shared ? own() : NONE;
    }

    private static Optional<Long> namespace(String process, String name) {
        try {
            return Optional.of((long) Files.getAttribute(Path.of("/proc", process, "ns", name), "unix:ino"));
        } catch (IOException unknown) {
            return Optional.empty();
        }
    }

    private static ClockOffsets read(String process) {
        try {
            return parse(Files.readAllLines(Path.of("/proc", process, "timens_offsets")));
        } catch (IOException unknown) {
            return NONE;
        }
    }

    /** Lines of a clock's name, seconds that may be negative, and nanoseconds. */
    static ClockOffsets parse(List<String> lines) {
        return new ClockOffsets(of("monotonic", lines), of("boottime", lines));
    }

    private static long of(String clock, List<String> lines) {
        return lines.stream()
                .map(line -> line.trim().split("\\s+"))
                .filter(words -> words.length == 3 && words[0].equals(clock))
                .mapToLong(words -> Long.parseLong(words[1]) * SECOND + Long.parseLong(words[2]))
                .findFirst()
                .orElse(0);
    }
}

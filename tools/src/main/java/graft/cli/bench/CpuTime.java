package graft.cli.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Time that threads spent on a CPU, as the scheduler counts it ({@code /proc/PID/schedstat}). */
final class CpuTime {
    private CpuTime() {}

    /** Nanoseconds of the main threads of {@code pids} together. */
    static long ofMainThreads(List<Integer> pids) {
        return pids.stream()
                .mapToLong(pid -> nanoseconds(Path.of("/proc/" + pid + "/schedstat")))
                .sum();
    }

    /** Nanoseconds of the calling thread. */
    static long ofThisThread() {
        return nanoseconds(Path.of("/proc/thread-self/schedstat"));
    }

    private static long nanoseconds(Path file) {
        try {
            String words = Files.readString(file);
            return Long.parseLong(words.substring(0, words.indexOf(' ')));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }
}

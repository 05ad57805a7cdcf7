package graft.platform.proc;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A timer of a process that sends a signal to one of its threads (timer_create(2) with {@code SIGEV_THREAD_ID}).
 *
 * @param id by which the process calls it
 * @param value what comes with the signal
 * @param thread as this process knows it
 */
public record ProcessTimer(int id, int signal, long value, int thread) {
    private static final Pattern TIMER =
            Pattern.compile("ID: (\\d+)\nsignal: (\\d+)/(?:0x)?(\\p{XDigit}+)\nnotify: signal/tid\\.(\\d+)\n");

    private static final int HEXADECIMAL = 16;

    /** Those of a process; none where the kernel does not tell, or when the process has ended. */
    public static List<ProcessTimer> of(int pid) {
        return ProcFile.find(ProcFile.path(pid, "timers"))
                .map(ProcessTimer::parse)
                .orElse(List.of());
    }

    /** Whether the kernel tells which timers processes have. */
    public static boolean areTold() {
        return Path.of("/proc/self/timers").toFile().exists();
    }

    static List<ProcessTimer> parse(String text) {
        List<ProcessTimer> timers = new ArrayList<>();
        Matcher timer = TIMER.matcher(text);
        while (timer.find()) {
            timers.add(new ProcessTimer(
                    Integer.parseInt(timer.group(1)),
                    Integer.parseInt(timer.group(2)),
                    Long.parseUnsignedLong(timer.group(3), HEXADECIMAL),
                    Integer.parseInt(timer.group(4))));
        }
        return List.copyOf(timers);
    }
}

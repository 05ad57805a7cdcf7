package graft.attach;

import graft.platform.linux.Sched;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The fields of {@code /proc/PID/stat} that identify and classify a process. */
record ProcStat(char state, long flags, long startTime) {
    private static final int LOOKS = 50;
    private static final long LOOK_NANOS = 2_000_000;

    static Optional<ProcStat> read(int pid) {
        return read(Path.of("/proc/" + pid + "/stat"));
    }

    static Optional<ProcStat> readThread(int pid, int tid) {
        return read(Path.of("/proc/" + pid + "/task/" + tid + "/stat"));
    }

    /**
     * Whether the process has ended, or does now: one that was killed is not a zombie at once, and what fails because of
     * it comes first.
     */
    static boolean endsSoon(int pid) {
        for (int look = 0; look < LOOKS; look++) {
            if (read(pid)
                    .map(stat -> stat.state() == 'Z' || stat.state() == 'X')
                    .orElse(true)) {
                return true;
            }
            Sched.nanosleep(LOOK_NANOS);
        }
        return false;
    }

    private static Optional<ProcStat> read(Path file) {
        try {
            String line = Files.readString(file, StandardCharsets.ISO_8859_1);
            // The command name may hold spaces and parentheses; everything after the last one is regular.
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
            return Optional.of(
                    new ProcStat(fields[0].charAt(0), Long.parseLong(fields[6]), Long.parseLong(fields[19])));
        } catch (IOException | StringIndexOutOfBoundsException gone) {
            return Optional.empty();
        }
    }
}

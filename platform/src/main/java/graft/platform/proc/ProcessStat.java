package graft.platform.proc;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The fields of {@code /proc/PID/stat} that identify and classify a process or thread.
 *
 * @param state {@code R}, {@code S}, {@code D}, {@code T}, {@code t}, {@code Z} or {@code X}
 * @param flags the kernel's {@code PF_} bits
 * @param threads how many the process has, itself among them
 * @param processor where it runs, or ran last
 * @param startTime in clock ticks after boot; together with the pid it names a process for ever
 * @param heapStart where {@code brk} begins, also before the first of it is mapped; 0 when that may not be known
 */
public record ProcessStat(char state, long flags, int threads, int processor, long startTime, long heapStart) {
    private static final int FLAGS = 6;
    private static final int THREADS = 17;
    private static final int START_TIME = 19;
    private static final int HEAP_START = 44;
    private static final int PROCESSOR = 36;

    /** @throws NoSuchProcessException when there is no such process */
    public static ProcessStat of(int pid) {
        return parse(ProcFile.read(pid, "stat"));
    }

    /** Nothing when there is no such process. */
    public static Optional<ProcessStat> find(int pid) {
        return ProcFile.find(ProcFile.path(pid, "stat")).map(ProcessStat::parse);
    }

    /** Nothing when the process has no such thread. */
    public static Optional<ProcessStat> findThread(int pid, int tid) {
        return ProcFile.find(ProcFile.path(pid, "task").resolve(Path.of(Integer.toString(tid), "stat")))
                .map(ProcessStat::parse);
    }

    static ProcessStat parse(String line) {
        // The command name may hold spaces and parentheses; everything after the last one is regular.
        String[] fields = line.substring(line.lastIndexOf(')') + 2).strip().split(" ");
        return new ProcessStat(
                fields[0].charAt(0),
                Long.parseLong(fields[FLAGS]),
                Integer.parseInt(fields[THREADS]),
                Integer.parseInt(fields[PROCESSOR]),
                Long.parseUnsignedLong(fields[START_TIME]),
                Long.parseUnsignedLong(fields[HEAP_START]));
    }

    /** Whether it runs no more: it is dead, or waits for its parent. */
    public boolean ended() {
        return state == 'Z' || state == 'X';
    }

    /** The same for a whole process: one whose first thread has ended lives on in the others. */
    public boolean processEnded() {
        return ended() && threads <= 1;
    }
}

package graft.platform.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

/** {@code sys/pidfd.h}: descriptors of processes. By number, because older C libraries lack the wrappers. */
public final class Pidfd {
    /** The descriptor is of one thread (Linux 6.9 and newer). */
    public static final int THREAD = 0x80;

    private static final String PID = "Pid:";
    private static final Duration WHILE = Duration.ofSeconds(10);

    private Pidfd() {}

    /** {@code pidfd_open(2)}. */
    public static NativeFd open(int pid, int flags) {
        long fd = Syscall.PIDFD_OPEN.call("opening process " + pid, pid, flags);
        return new NativeFd((int) fd, "pidfd of process " + pid);
    }

    /**
     * Waits until a process has ended, and takes nothing: {@code waitpid} would take the stops of a process that another
     * thread of this one traces.
     */
    public static void awaitEnd(int pid) {
        try (NativeFd process = open(pid, 0)) {
            while (Poll.readable(process, WHILE) != Poll.Wait.READY) {
                // once more
            }
        }
    }

    /**
     * Which process or thread a descriptor of this process is of, by its number here: 0 when it has ended, or is none of this pid
     * namespace; {@code -EBADF} when the descriptor is none of a process.
     */
    public static int processOf(int descriptor) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo", Integer.toString(descriptor)))) {
            return lines.filter(line -> line.startsWith(PID))
                    .findFirst()
                    .map(line -> Math.max(
                            Integer.parseInt(line.substring(PID.length()).strip()), 0))
                    .orElse(-Errno.EBADF);
        } catch (IOException | UncheckedIOException closed) {
            return -Errno.EBADF;
        }
    }

    /** {@code pidfd_getfd(2)}: a duplicate of descriptor {@code number} of the process. */
    public static NativeFd getfd(NativeFd pidfd, int number) {
        String what = "descriptor " + number + " of the " + pidfd;
        return new NativeFd((int) Syscall.PIDFD_GETFD.call("taking " + what, pidfd.number(), number), what);
    }
}

package graft.platform.proc;

import graft.platform.linux.Sched;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What execve(2) begins anew in a process. Told apart by the auxiliary vector, which holds the random addresses at which the
 * kernel has put stack, vDSO and program; with address randomisation off, two executions of one program are equal.
 *
 * @param id without blanks
 */
public record Execution(String id) {
    private static final int END_OF_VECTOR = 16;
    private static final int LOOKS = 1000;
    private static final long LOOK_NANOS = 1_000_000;

    /** Of a process that lives; of one that is inside execve(2), the execution that begins. */
    public static Optional<Execution> find(int pid) {
        try {
            byte[] vector = vector(pid);
            // The kernel fills it in last, after the program's name.
            for (int look = 0; look < LOOKS && vector.length == END_OF_VECTOR; look++) {
                Sched.nanosleep(LOOK_NANOS);
                vector = vector(pid);
            }
            return vector.length <= END_OF_VECTOR
                    ? Optional.empty()
                    : Optional.of(new Execution(HexFormat.of().toHexDigits(fnv1a(vector))));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /** FNV-1a of 64 bits. Java's digests take some milliseconds until the first is made. */
    private static long fnv1a(byte[] bytes) {
        long hash = 0xcbf29ce484222325L;
        for (byte one : bytes) {
            hash = (hash ^ (one & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    private static byte[] vector(int pid) throws IOException {
        return Files.readAllBytes(ProcFile.path(pid, "auxv"));
    }

    /** Whether the process still runs it. A process that has ended does not. */
    public boolean isCurrent(int pid) {
        return find(pid).filter(this::equals).isPresent();
    }
}

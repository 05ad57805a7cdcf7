package graft.platform.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.UUID;

/**
 * What execve(2) begins anew in a process. Told apart by the auxiliary vector, which holds the random addresses at which the
 * kernel has put stack, vDSO and program; with address randomisation off, two executions of one program are equal.
 *
 * @param id without blanks
 */
public record Execution(String id) {
    /** Of a process that lives. */
    public static Optional<Execution> find(int pid) {
        try {
            byte[] vector = Files.readAllBytes(ProcFile.path(pid, "auxv"));
            return vector.length == 0
                    ? Optional.empty()
                    : Optional.of(new Execution(UUID.nameUUIDFromBytes(vector).toString()));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /** Whether the process still runs it. A process that has ended does not. */
    public boolean isCurrent(int pid) {
        return find(pid).filter(this::equals).isPresent();
    }
}

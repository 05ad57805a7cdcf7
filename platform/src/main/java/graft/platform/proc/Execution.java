package graft.platform.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * What execve(2) begins anew in a process. Told apart by the auxiliary vector, which holds the random addresses at which the
 * kernel has put stack, vDSO and program; with address randomisation off, two executions of one program are equal.
 *
 * @param id sixteen hexadecimal digits
 */
public record Execution(String id) {
    /** Of a process that lives. */
    public static Optional<Execution> find(int pid) {
        try {
            byte[] vector = Files.readAllBytes(ProcFile.path(pid, "auxv"));
            return vector.length == 0 ? Optional.empty() : Optional.of(of(vector));
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    private static Execution of(byte[] vector) {
        CRC32 forward = new CRC32();
        forward.update(vector);
        CRC32 backward = new CRC32();
        for (int i = vector.length - 1; i >= 0; i--) {
            backward.update(vector[i]);
        }
        return new Execution(HexFormat.of().toHexDigits(forward.getValue() << Integer.SIZE | backward.getValue()));
    }

    /** Whether the process still runs it. A process that has ended does not. */
    public boolean isCurrent(int pid) {
        return find(pid).filter(this::equals).isPresent();
    }
}

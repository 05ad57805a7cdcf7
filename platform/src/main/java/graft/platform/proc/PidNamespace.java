package graft.platform.proc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The pid namespace that a process is in, as {@code stat} of {@code /proc/PID/ns/pid} names it.
 *
 * @param device as the kernel keeps it: the minor number in 20 bits, the major number above
 */
public record PidNamespace(int device, int inode) {
    private static final int MINOR_BITS = 20;

    /** Nothing when the process is over, or may not be looked at. */
    public static Optional<PidNamespace> find(int pid) {
        Path path = Path.of("/proc/" + pid + "/ns/pid");
        try {
            long device = (long) Files.getAttribute(path, "unix:dev");
            long inode = (long) Files.getAttribute(path, "unix:ino");
            return Optional.of(new PidNamespace(ofKernel(device), (int) inode));
        } catch (IOException unknown) {
            return Optional.empty();
        }
    }

    /** {@code st_dev} has the minor number's upper bits above the major number. */
    private static int ofKernel(long device) {
        long major = device >>> 8 & 0xfff;
        long minor = device & 0xff | device >>> 12 & 0xfff00;
        return (int) (major << MINOR_BITS | minor);
    }
}

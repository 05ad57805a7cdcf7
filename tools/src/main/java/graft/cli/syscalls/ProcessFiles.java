package graft.cli.syscalls;

import graft.syscalls.decode.FilePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What {@code /proc} says now about descriptors; one that has been closed since the call is not known. */
public final class ProcessFiles implements FilePaths {
    /** Looks nothing up yet. */
    public ProcessFiles() {}

    @Override
    public Optional<String> path(int pid, int fd) {
        try {
            return Optional.of(
                    Files.readSymbolicLink(Path.of("/proc", Integer.toString(pid), "fd", Integer.toString(fd)))
                            .toString());
        } catch (IOException _) {
            return Optional.empty(); // closed, or the process has ended
        }
    }
}

package graft.syscalls.decode;

import java.util.Optional;

/** What the descriptors of processes are. */
@FunctionalInterface
public interface FilePaths {
    /** Nothing is known. */
    FilePaths UNKNOWN = (_, _) -> Optional.empty();

    /** The file, or {@code socket:[17]}; nothing when the descriptor is not known. */
    Optional<String> path(int pid, int fd);
}

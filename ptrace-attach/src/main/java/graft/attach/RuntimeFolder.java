package graft.attach;

import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Where this user's sessions keep what others of the same user may need: undo journals, sockets. */
public final class RuntimeFolder {
    private RuntimeFolder() {}

    /** {@code /run/graft} for root, otherwise in the user's runtime or state directory. It may not be there yet. */
    public static Path path() {
        if (ProcessStatus.own().effectiveUid() == 0) {
            return Path.of("/run/graft");
        }
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        return runtime != null && !runtime.isEmpty()
                ? Path.of(runtime, "graft")
                : Path.of(System.getProperty("user.home"), ".local", "state", "graft");
    }

    /** Makes a folder that nobody else can look into, unless it is there. */
    public static void create(Path folder) throws IOException {
        Files.createDirectories(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
}

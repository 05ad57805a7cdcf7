package graft.attach;

import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;

/** Where this user's sessions keep what others of the same user may need: undo journals, sockets. */
public final class RuntimeFolder {
    private static final Set<PosixFilePermission> WRITABLE_BY_OTHERS =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private RuntimeFolder() {}

    /** {@code /run/graft} for root, otherwise in the user's runtime or state directory. It may not be there yet. */
    public static Path path() {
        int user = ProcessStatus.own().effectiveUid();
        if (user == 0) {
            return Path.of("/run/graft");
        }
        return Optional.ofNullable(System.getenv("XDG_RUNTIME_DIR"))
                .filter(runtime -> !runtime.isEmpty())
                .map(Path::of)
                .filter(runtime -> isPrivate(runtime, user))
                .orElse(Path.of(System.getProperty("user.home"), ".local", "state"))
                .resolve("graft");
    }

    /**
     * Whether nobody but {@code user} can have made what is in {@code folder}. {@code su} leaves the variable of the user
     * before, and journals say what {@code graft recover} writes into processes.
     */
    static boolean isPrivate(Path folder, int user) {
        try {
            return Files.getAttribute(folder, "unix:uid").equals(user)
                    && Collections.disjoint(Files.getPosixFilePermissions(folder), WRITABLE_BY_OTHERS);
        } catch (IOException unreadable) {
            return false;
        }
    }

    /** Makes a folder that nobody else can look into, unless it is there. */
    public static void create(Path folder) throws IOException {
        Files.createDirectories(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
}

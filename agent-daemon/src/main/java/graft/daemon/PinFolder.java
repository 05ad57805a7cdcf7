package graft.daemon;

import graft.attach.RuntimeFolder;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where this user's pinned maps are: in the runtime folder when that is memory, otherwise in {@code /dev/shm}. Nobody else may
 * look into it.
 */
public final class PinFolder {
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final String TMPFS = "tmpfs";
    private static final String PERMISSIONS = "rwx------";

    private PinFolder() {}

    /** The folder; it may not be there yet. */
    public static Path path() throws IOException {
        Path runtime = RuntimeFolder.path();
        return isMemory(runtime.getParent())
                ? runtime.resolve("maps")
                : SHARED_MEMORY.resolve("graft-" + ProcessStatus.own().effectiveUid());
    }

    private static boolean isMemory(Path folder) throws IOException {
        return Files.isDirectory(folder) && Files.getFileStore(folder).type().equals(TMPFS);
    }

    /** The file of a map, in a folder that is there and nobody else's. */
    static Path file(String map) throws IOException {
        if (map.isEmpty() || map.startsWith(".") || map.indexOf('/') >= 0) {
            throw new IOException("\"%s\" is no name of a file".formatted(map));
        }
        Path folder = path();
        Files.createDirectories(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(PERMISSIONS)));
        // Everybody may make a folder of this name in /dev/shm.
        Object owner = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        boolean isOurs = owner.equals(ProcessStatus.own().effectiveUid())
                && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS))
                        .equals(PERMISSIONS);
        if (!isOurs) {
            throw new IOException(folder + " belongs to somebody else, or others may look into it");
        }
        return folder.resolve(map);
    }

    /** All that is pinned. */
    public static List<Path> files() throws IOException {
        Path folder = path();
        if (!Files.isReadable(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> !file.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        }
    }
}

package graft.platform.elf;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32;

/** Finds the separate file with a stripped file's symbols, as gdb does: by build id, then by name and checksum. */
public final class DebugFiles {
    private static final String DEBUG = "usr/lib/debug";

    private final Path root;

    private DebugFiles(Path root) {
        this.root = root;
    }

    /** Looks below a root directory, for example {@code /proc/PID/root}. */
    public static DebugFiles below(Path root) {
        return new DebugFiles(root);
    }

    /**
     * The debug file of {@code file}, if installed.
     *
     * @param path where the file is, as seen below the root
     */
    public Optional<Path> find(ElfFile file, Path path) {
        return file.buildId().flatMap(this::byBuildId).or(() -> file.debugLink().flatMap(link -> byLink(link, path)));
    }

    private Optional<Path> byBuildId(BuildId id) {
        if (id.hex().length() < 4) {
            return Optional.empty();
        }
        Path candidate = root.resolve(DEBUG)
                .resolve(".build-id")
                .resolve(id.hex().substring(0, 2))
                .resolve(id.hex().substring(2) + ".debug");
        return Files.isRegularFile(candidate) ? Optional.of(candidate) : Optional.empty();
    }

    private Optional<Path> byLink(DebugLink link, Path path) {
        boolean bareName = !link.fileName().isEmpty()
                && !link.fileName().contains("/")
                && !link.fileName().equals("..");
        if (!bareName) {
            return Optional.empty();
        }
        Path inside = path.isAbsolute() ? path.getRoot().relativize(path) : path;
        Path directory = Optional.ofNullable(inside.getParent()).orElse(Path.of(""));
        List<Path> candidates = new ArrayList<>();
        candidates.add(root.resolve(directory).resolve(link.fileName()));
        candidates.add(root.resolve(directory).resolve(".debug").resolve(link.fileName()));
        candidates.add(root.resolve(DEBUG).resolve(directory).resolve(link.fileName()));
        return candidates.stream()
                .filter(Files::isRegularFile)
                .filter(candidate -> crc(candidate) == link.crc())
                .findFirst();
    }

    private static int crc(Path path) {
        CRC32 crc = new CRC32();
        try (InputStream in = Files.newInputStream(path)) {
            byte[] chunk = new byte[1 << 16];
            for (int count = in.read(chunk); count > 0; count = in.read(chunk)) {
                crc.update(chunk, 0, count);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + path, e);
        }
        return (int) crc.getValue();
    }
}

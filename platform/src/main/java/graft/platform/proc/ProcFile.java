package graft.platform.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Reads one file below {@code /proc/PID}. */
final class ProcFile {
    private ProcFile() {}

    static Path path(int pid, String name) {
        return Path.of("/proc", Integer.toString(pid), name);
    }

    static String read(int pid, String name) {
        try {
            return new String(Files.readAllBytes(path(pid, name)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw failure(pid, name, e);
        }
    }

    /** Nothing when the file is gone, or goes while it is read. */
    static Optional<String> find(Path file) {
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            return text.isEmpty() ? Optional.empty() : Optional.of(text);
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    static RuntimeException failure(int pid, String name, IOException e) {
        boolean lives =
                ProcessStat.find(pid).filter(stat -> !stat.processEnded()).isPresent();
        if (!lives) {
            return new NoSuchProcessException(pid);
        }
        return new UncheckedIOException("cannot read " + path(pid, name) + ": " + e.getMessage(), e);
    }
}

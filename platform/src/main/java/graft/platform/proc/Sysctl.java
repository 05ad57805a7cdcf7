package graft.platform.proc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Numbers below {@code /proc/sys}. The kernel gives one in the first read only: that has to be large enough. */
final class Sysctl {
    private Sysctl() {}

    static long number(Path file) {
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            return Long.parseLong(reader.readLine());
        } catch (IOException failed) {
            throw new UncheckedIOException("reading " + file, failed);
        }
    }
}

package graft.tests.nginx;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What this process holds because of attachments.
 *
 * @param descriptors of memory files, sockets, processes and their memory
 * @param mappings of memory files
 */
record OwnResources(long descriptors, long mappings) {
    private static final List<String> KINDS = List.of("/memfd:", "anon_inode:", "socket:", "/proc/");

    static OwnResources now() {
        try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"));
                Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return new OwnResources(
                    entries.filter(OwnResources::counts).count(),
                    maps.filter(line -> line.contains("/memfd:")).count());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean counts(Path descriptor) {
        try {
            String what = Files.readSymbolicLink(descriptor).toString();
            return KINDS.stream().anyMatch(what::startsWith);
        } catch (NoSuchFileException _) {
            return false; // of the listing itself
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

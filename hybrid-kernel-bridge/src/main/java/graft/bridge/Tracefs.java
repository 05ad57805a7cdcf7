package graft.bridge;

import graft.platform.linux.Mount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** Numbers of tracepoints. Mounts tracefs at its usual place when it is mounted nowhere. */
final class Tracefs {
    private static final Path TRACEFS = Path.of("/sys/kernel/tracing");
    private static final List<Path> PLACES = List.of(TRACEFS, Path.of("/sys/kernel/debug/tracing"));

    private Tracefs() {}

    /** The number of a tracepoint, or nothing when this kernel has none of that name. */
    static OptionalLong number(String category, String name) {
        try {
            Path id = root().resolve("events").resolve(category).resolve(name).resolve("id");
            return OptionalLong.of(Long.parseLong(Files.readString(id).strip()));
        } catch (NoSuchFileException _) {
            return OptionalLong.empty();
        } catch (IOException failed) {
            throw new UncheckedIOException("reading the number of tracepoint " + category + ":" + name, failed);
        }
    }

    private static Path root() {
        for (Path place : PLACES) {
            if (Files.isDirectory(place.resolve("events"))) {
                return place;
            }
        }
        Mount.mount("tracefs", TRACEFS.toString());
        return TRACEFS;
    }
}

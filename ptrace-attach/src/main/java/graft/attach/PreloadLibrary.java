package graft.attach;

import graft.shim.ShimResource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The library that holds a started program before its {@code main}. */
public final class PreloadLibrary {
    /** Its file name. */
    public static final String NAME = "graft-preload.so";

    private PreloadLibrary() {}

    /** Writes it into {@code folder}; the file's path. */
    public static Path writeTo(Path folder) {
        try {
            return Files.write(folder.resolve(NAME), ShimResource.PRELOAD.bytes());
        } catch (IOException e) {
            throw new UncheckedIOException("writing the preload library to " + folder, e);
        }
    }
}

package graft.cli.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** An executable that is measured, {@link BenchTarget} or another, taken out of the jar; closing removes it. */
public record BenchTargetFile(Path path) implements AutoCloseable {

    /** Writes it to a new temporary file that can be executed. */
    public static BenchTargetFile extract() {
        return extract("bench-target");
    }

    /** The same for another packaged executable. */
    public static BenchTargetFile extract(String resource) {
        try (InputStream in = BenchTargetFile.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new AssertionError(resource + " is not packaged: the build did not compile it");
            }
            Path path = Files.createTempFile("graft-bench-target-", "");
            Files.copy(in, path, StandardCopyOption.REPLACE_EXISTING);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
            return new BenchTargetFile(path);
        } catch (IOException e) {
            throw new UncheckedIOException("taking the bench target out of the jar", e);
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + path, e);
        }
    }
}

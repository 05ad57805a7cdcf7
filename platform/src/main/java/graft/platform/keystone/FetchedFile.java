package graft.platform.keystone;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/** The WebAssembly file that {@code setup/fetch-keystone} left, checked before every use. */
final class FetchedFile {
    private static final String SHA_256 = "d706d1b50d9f2444f6c5edbef05f343801e91fc79d62fbf86c6ff3510c063142";

    /** What is at the usual place. */
    sealed interface Content {
        record Checked(byte[] bytes) implements Content {}

        record Unusable(String why) implements Content {}
    }

    private FetchedFile() {}

    static Path path(Map<String, String> environment) {
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = cache.isEmpty()
                ? Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")), ".cache")
                : Path.of(cache);
        return base.resolve("graft").resolve("keystone.wasm");
    }

    static Content read(Path path) {
        if (!Files.isReadable(path)) {
            return new Content.Unusable("no libkeystone with x86 is installed and there is no " + path);
        }
        try {
            byte[] bytes = Files.readAllBytes(path);
            String sum = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
            return sum.equals(SHA_256)
                    ? new Content.Checked(bytes)
                    : new Content.Unusable(path + " is not the known file: its SHA-256 is " + sum);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + path, e);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}

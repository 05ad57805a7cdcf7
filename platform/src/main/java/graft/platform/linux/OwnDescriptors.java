package graft.platform.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The descriptors of this process. Java opens its own files, and those of the class path, so that children inherit them. */
final class OwnDescriptors {
    private static final long F_SETFD = 2;
    private static final long FD_CLOEXEC = 1;
    private static final Path JAVA = javaHome();

    private OwnDescriptors() {}

    private static Path javaHome() {
        try {
            return Path.of(System.getProperty("java.home")).toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException("looking for Java's folder", e);
        }
    }

    /** No program that is started from now on gets what Java has opened. */
    static void closeOnExec() {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : all) {
                if (isOfJava(descriptor)) {
                    int number = Integer.parseInt(descriptor.getFileName().toString());
                    Syscall.FCNTL.raw(
                            number, F_SETFD, FD_CLOEXEC, 0, 0, 0); // one that is closed meanwhile needs nothing
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("listing own descriptors", e);
        }
    }

    private static boolean isOfJava(Path descriptor) {
        try {
            Path file = Files.readSymbolicLink(descriptor);
            return file.startsWith(JAVA) || file.toString().endsWith(".jar");
        } catch (IOException closed) {
            return false;
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import graft.platform.linux.Errno;
import graft.platform.proc.ControlGroups;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.stream.Stream;

/** A control group for one test, with others in it. Closing moves who is there out, and removes all. */
final class GroupFolder implements AutoCloseable {
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(10);

    private final Path top;
    private final Path folder;

    private GroupFolder(Path top, Path folder) {
        this.top = top;
        this.folder = folder;
    }

    /** Skips the test where no groups can be made. */
    static GroupFolder make() {
        Path top = ControlGroups.ofThisMachine().top().orElse(Path.of("/nonexistent"));
        assumeThat(Files.exists(top)).as("cgroup2 is mounted").isTrue();
        assumeThat(Files.isWritable(top)).as("groups may be made in " + top).isTrue();
        try {
            return new GroupFolder(top, Files.createTempDirectory(top, "graft-test-"));
        } catch (IOException failed) {
            assumeThat(failed).as("groups can be made in " + top).isNull();
            throw new UncheckedIOException(failed);
        }
    }

    /** The root of the hierarchy. */
    Path top() {
        return top;
    }

    Path group() {
        return folder;
    }

    /** A group in it, by its path. */
    Path group(String path) throws IOException {
        return Files.createDirectories(folder.resolve(path));
    }

    static void move(String process, Path group) throws IOException {
        Files.writeString(group.resolve("cgroup.procs"), process);
    }

    static void moveThread(String thread, Path group) throws IOException {
        Files.writeString(group.resolve("cgroup.threads"), thread);
    }

    @Override
    public void close() {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path group : all.filter(Files::isDirectory)
                    .sorted(Comparator.reverseOrder())
                    .toList()) {
                remove(group);
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** A process that has just ended may still count. */
    private void remove(Path group) throws IOException {
        long until = System.nanoTime() + LONG_ENOUGH.toNanos();
        while (Files.exists(group)) {
            try {
                for (String thread : Files.readAllLines(group.resolve("cgroup.threads"))) {
                    move(thread, top);
                }
                Files.delete(group);
            } catch (FileSystemException busy) {
                assertThat(System.nanoTime())
                        .as("removing " + group + ": " + busy)
                        .isLessThan(until);
                Thread.onSpinWait();
            } catch (IOException over) {
                assertThat(over.getMessage()).contains(Errno.text(Errno.ESRCH)); // it has ended meanwhile
            }
        }
    }
}

package graft.platform.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs root. */
class FanotifyTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    @Test
    void writesToFilesWithANameAreHeardOf() throws IOException {
        Optional<Fanotify> opened = Fanotify.ofWrites(folder);
        assumeThat(opened).as("the kernel allows it").isPresent();
        try (Fanotify writes = opened.get()) {
            Files.writeString(folder.resolve("another"), "1");
            assertThat(writes.await(LONG, Set.of("graft.wanted"))).isFalse();
            Files.writeString(folder.resolve("graft.wanted"), "1");
            boolean heard = false;
            for (int others = 0; !heard && others < 1000; others++) { // everybody writes to such a file system
                heard = writes.await(LONG, Set.of("graft.wanted"));
            }
            assertThat(heard).isTrue();
            assertThat(writes.await(Duration.ZERO, Set.of("graft.wanted"))).isFalse();
        }
    }
}

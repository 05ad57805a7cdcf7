package graft.daemon.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeadSocketsTest {
    @TempDir
    private Path folder;

    private ServerSocketChannel listening(String name) throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        channel.bind(UnixDomainSocketAddress.of(folder.resolve(name)));
        return channel;
    }

    private Stream<String> left() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList().stream();
        }
    }

    /** One that has no number here may run in another pid namespace. */
    @Test
    void onlyThoseOfProcessesThatAreGoneAndThatNobodyListensAtAreRemoved() throws IOException, InterruptedException {
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        String there = ProcessHandle.current().pid() + "-ab";
        for (String name : new String[] {gone.pid() + "-1.session", gone.pid() + "-1.unready", there + ".unready"}) {
            listening(name).close();
        }
        Files.createFile(folder.resolve(gone.pid() + "-12.journal"));
        try (ServerSocketChannel _ = listening(gone.pid() + "-2.session");
                ServerSocketChannel _ = listening(there + ".session")) {
            DeadSockets.remove(folder);
            assertThat(left())
                    .containsExactlyInAnyOrder(
                            gone.pid() + "-2.session",
                            gone.pid() + "-12.journal",
                            there + ".unready",
                            there + ".session");
        }
    }

    @Test
    void aFolderThatIsNotThereHasNone() {
        DeadSockets.remove(folder.resolve("none"));
        assertThat(folder).isEmptyDirectory();
    }
}

package graft.cli.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class NginxServerTest {
    @Test
    void runsDetachedWithTwoWorkersAndEndsCleanly() throws IOException {
        List<Integer> pids;
        try (NginxServer server = NginxServer.start()) {
            assertThat(server.workerPids()).hasSize(2);
            pids = server.workerPids();
            assertThat(parent(pids.getFirst())).isEqualTo(server.masterPid());
            assertThat(parent(server.masterPid()))
                    .isNotEqualTo(ProcessHandle.current().pid());
            if ("root".equals(System.getProperty("user.name"))) {
                assertThat(Files.getOwner(Path.of("/proc/" + pids.getFirst())).getName())
                        .isEqualTo("www-data");
            }
        }
        assertThat(pids).noneMatch(pid -> ProcessHandle.of(pid).isPresent());
    }

    @Test
    void answersCurlExactly() {
        try (NginxServer server = NginxServer.start()) {
            for (CurlLoad.Connections connections : CurlLoad.Connections.values()) {
                LoadResult result = CurlLoad.run(server.url(Body.KIB_1), 50, connections);
                assertThat(result.requests()).isEqualTo(50);
                assertThat(result.isClean()).isTrue();
            }
            assertThat(server.errorsSinceStart()).isEmpty();
        }
    }

    @Test
    void missingFilesShowAsBadStatusAndInTheErrorLog() {
        try (NginxServer server = NginxServer.start()) {
            URI missing = URI.create("https://127.0.0.1:" + server.port() + "/missing");
            assertThat(CurlLoad.run(missing, 3, CurlLoad.Connections.ONE_FOR_ALL)
                            .badStatus())
                    .isEqualTo(3);
            assertThat(server.errorsSinceStart()).hasSize(3).allMatch(line -> line.contains("/missing"));
        }
    }

    @Test
    void carriesLoadUntilItIsStopped() {
        try (NginxServer server = NginxServer.start();
                WrkLoad steady = WrkLoad.start(
                        server.url(Body.HELLO),
                        WrkLoad.Shape.steady(2, Duration.ofMillis(5), Duration.ofSeconds(60)))) {
            LoadResult full = WrkLoad.run(server.url(Body.KIB_100), WrkLoad.Shape.full(1, 4, Duration.ofSeconds(1)));
            assertThat(full.isClean()).isTrue();
            assertThat(full.requests()).isPositive();
            LoadResult stopped = steady.stop();
            assertThat(stopped.isClean()).isTrue();
            assertThat(stopped.requests()).isPositive();
            assertThat(server.errorsSinceStart()).isEmpty();
        }
    }

    private static int parent(int pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("PPid:"))
                .mapToInt(line -> Integer.parseInt(line.substring(5).strip()))
                .findFirst()
                .orElseThrow();
    }
}

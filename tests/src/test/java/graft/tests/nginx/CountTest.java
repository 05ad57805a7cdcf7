package graft.tests.nginx;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.load.Body;
import graft.cli.load.CurlLoad;
import graft.cli.load.NginxServer;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An object of clang's that counts {@code SSL_write} per process: no call is missed, here as in the kernel. */
@Tag("slow")
class CountTest {
    private static final int REQUESTS = 1000;
    private static final Pattern ROW = Pattern.compile("(?m)^counts\\[(\\d+)] = (\\d+)$");
    private static final Path OBJECT = Path.of("target/test-classes/bpf/count_ssl_write.bpf.o");

    @ParameterizedTest
    @ValueSource(strings = {"user", "kernel"})
    void countsEveryWriteOfAThousandRequestsByProcess(String where) {
        try (NginxServer server = NginxServer.start()) {
            List<Integer> workers = server.workerPids();
            String pids = workers.getFirst() + "," + workers.getLast();
            try (GraftProcess graft = GraftProcess.start("run", OBJECT.toString(), "-p", pids, "--where", where)) {
                graft.awaitLine("attached");
                assertThat(CurlLoad.run(server.url(Body.HELLO), REQUESTS, CurlLoad.Connections.ONE_EACH)
                                .isClean())
                        .isTrue();
                GraftRun run = graft.interrupt();

                assertThat(run.status()).as(run.errors()).isZero();
                Map<Integer, Long> counts = counts(run.output());
                assertThat(workers).containsAll(counts.keySet());
                // nginx answers a small file with one call.
                assertThat(counts.values().stream().mapToLong(Long::longValue).sum())
                        .as(run.output())
                        .isEqualTo(REQUESTS);
            }
            assertThat(server.errorsSinceStart()).isEmpty();
        }
    }

    private static Map<Integer, Long> counts(String output) {
        Map<Integer, Long> counts = new TreeMap<>();
        Matcher rows = ROW.matcher(output);
        while (rows.find()) {
            counts.put(Integer.valueOf(rows.group(1)), Long.valueOf(rows.group(2)));
        }
        return counts;
    }
}

package graft.tests.nginx;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Recovery;
import graft.cli.bpf.PackagedProgram;
import graft.cli.load.Body;
import graft.cli.load.LoadResult;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SIGKILL of graft before each step of an attach and of a detach, with a worker under load: it goes on serving, and
 * recovery gives it back as it was.
 */
@Tag("slow")
class KilledGraftTest {
    private static final int CONNECTIONS = 8;
    private static final int KILLED = 137;
    private static final Duration LOAD_LIMIT = Duration.ofHours(1);

    @TempDir
    private Path folder;

    @Test
    void workerSurvivesGraftKilledAtAnyStepAndIsRecovered() throws IOException {
        Path object = Files.write(folder.resolve("tls.bpf.o"), PackagedProgram.TLS.bytes());
        Path journals = Files.createDirectory(folder.resolve("journals"));
        try (NginxServer server = NginxServer.start();
                WrkLoad load = WrkLoad.start(
                        server.url(Body.HELLO), WrkLoad.Shape.steady(CONNECTIONS, Duration.ofMillis(1), LOAD_LIMIT));
                KeptConnection connection = KeptConnection.to(server.port())) {
            ServerSockets.awaitAccepted(server.port(), CONNECTIONS + 1);
            assertThat(connection.hello()).isEqualTo("Hello from nginx");
            int worker = connection.worker(server.workerPids());
            Map<String, String> files = WorkerState.textInFiles(worker);
            WorkerState before = WorkerState.of(worker);
            List<Moment> moments = moments(object, worker, journals);
            Victim next = Victim.start(object, worker, journals, moments.getFirst());
            for (int i = 0; i < moments.size(); i++) {
                Moment moment = moments.get(i);
                try (Victim victim = next) {
                    next = Victim.start(object, worker, journals, moments.get((i + 1) % moments.size()));
                    victim.run();
                }
                assertThat(connection.hello()).as("%s", moment).isEqualTo("Hello from nginx");
                assertThat(Recovery.recover(journals))
                        .as("%s", moment)
                        .allMatch(Recovery.Outcome.Restored.class::isInstance);
                assertThat(WorkerState.textInMemory(worker)).as("%s", moment).isEqualTo(files);
                assertThat(WorkerState.of(worker)).as("%s", moment).isEqualTo(before);
                assertThat(journals).as("%s", moment).isEmptyDirectory();
                assertThat(connection.hello()).as("%s", moment).isEqualTo("Hello from nginx");
            }
            next.close();
            LoadResult result = load.stop();
            assertThat(result.isClean()).as("%s", result).isTrue();
            assertThat(server.errorsSinceStart()).isEmpty();
        }
    }

    /** Before the {@code occurrence}th step of this name. */
    private record Moment(String step, int occurrence) {}

    /** Every step that one attach and detach takes; of those that repeat the first, the second and the last time. */
    private static List<Moment> moments(Path object, int worker, Path journals) {
        Map<String, Integer> times = new LinkedHashMap<>();
        try (Victim whole = Victim.start(object, worker, journals, new Moment("none", 1))) {
            whole.run().forEach(step -> times.merge(step, 1, Integer::sum));
        }
        assertThat(times).containsKeys("attach:site-written", "attach:probes-enabled", "detach:text-restored");
        List<Moment> moments = new ArrayList<>();
        times.forEach((step, count) -> {
            for (int occurrence : new TreeSet<>(List.of(1, Math.min(2, count), count))) {
                moments.add(new Moment(step, occurrence));
            }
        });
        return moments;
    }

    /** A graft that waits, ready, and kills itself when told to begin. Closing kills it anyway. */
    private record Victim(Process process, BufferedReader said) implements AutoCloseable {
        static Victim start(Path object, int pid, Path journals, Moment moment) {
            List<String> command = List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    KilledGraft.class.getName(),
                    object.toString(),
                    Integer.toString(pid),
                    journals.toString(),
                    moment.step(),
                    Integer.toString(moment.occurrence()));
            try {
                Process process = new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
                return new Victim(process, process.inputReader());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Lets it begin. @return the steps it took; it was killed before the last one, or came to its end */
        List<String> run() {
            try {
                assertThat(said.readLine()).isEqualTo("ready");
                process.outputWriter().close();
                List<String> steps = said.lines().toList();
                assertThat(process.onExit().join().exitValue()).isIn(0, KILLED);
                return steps;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().join();
        }
    }
}

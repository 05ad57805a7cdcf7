package graft.tests.whole;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.load.Body;
import graft.cli.load.CurlLoad;
import graft.cli.load.LoadResult;
import graft.cli.load.NginxServer;
import graft.cli.load.WrkLoad;
import graft.tests.whole.EveryFunction.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An entry and a return probe on every function of a program and of its libraries, at once, while it works: the results
 * are those without probes. The system property {@code graft.whole.scale} makes it longer.
 */
@Tag("slow")
class WholeProgramTest {
    private static final int SCALE = Integer.getInteger("graft.whole.scale", 1);
    private static final Duration LOAD = Duration.ofSeconds(2L * SCALE);
    private static final int ROUNDS = 3 * SCALE;
    private static final int MANY = 10_000;
    private static final List<String> OF_PYTHON =
            List.of("", "libcrypto.so.3", "libssl.so.3", "libc.so.6", "libm.so.6");

    private static final int ONE_IN = 100;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(Programs.class)
    void pythonComputesTheSame(Programs programs) throws IOException {
        assertWorksTheSame(python("TIMES=" + SCALE), OF_PYTHON, programs);
    }

    @ParameterizedTest
    @EnumSource(Programs.class)
    void bashComputesTheSame(Programs programs) {
        List<String> command =
                List.of("/usr/bin/bash", Workload.script(folder, "work.sh").toString());
        assertWorksTheSame(command, List.of("", "libc.so.6", "libtinfo.so.6"), programs);
    }

    @ParameterizedTest
    @EnumSource(Programs.class)
    void opensslGoesOnWithItsBenchmark(Programs programs) {
        List<String> command = List.of(
                "openssl",
                "speed",
                "-seconds",
                "1",
                "-bytes",
                "1024",
                "sha256",
                "aes-128-cbc",
                "rsa2048",
                "ecdsap256",
                "ecdhx25519");
        try (Workload workload = Workload.start(folder, command, "Doing");
                EveryFunction probes =
                        EveryFunction.of(List.of(workload.pid()), List.of("libcrypto.so.3", "libc.so.6"), programs)) {
            Workload.Result result = workload.end();

            System.out.println(probes.summary());
            assertThat(result.status()).as(result.output()).isZero();
            assertThat(result.output()).contains("aes-128-cbc", "X25519").doesNotContainIgnoringCase("failure");
            assertThat(probes.entries()).isGreaterThan(MANY);
        }
    }

    @ParameterizedTest
    @EnumSource(Programs.class)
    void nginxServesTheSameUnderLoad(Programs programs) {
        try (NginxServer server = NginxServer.start();
                WrkLoad load = WrkLoad.start(server.url(Body.HELLO), WrkLoad.Shape.full(1, 8, LOAD.multipliedBy(20)))) {
            List<String> files = List.of("", "libssl.so.3", "libcrypto.so.3", "libc.so.6", "libz.so.1");
            try (EveryFunction probes = EveryFunction.of(server.workerPids(), files, programs)) {
                LoadResult connections =
                        CurlLoad.run(server.url(Body.HELLO), 30 * SCALE, CurlLoad.Connections.ONE_EACH);
                WrkLoad.run(server.url(Body.HELLO), WrkLoad.Shape.full(1, 8, LOAD));

                System.out.println(probes.summary());
                assertThat(connections.isClean()).as("%s", connections).isTrue();
                assertThat(probes.entries()).isGreaterThan(MANY);
                assertFewLeftOut(probes);
                probes.assertRestored();
            }
            LoadResult result = load.stop();
            assertThat(result.isClean()).as("%s", result).isTrue();
            assertThat(server.errorsSinceStart()).isEmpty();
        }
    }

    @Test
    void probesComeAndGoWhileItComputes() throws IOException {
        String once = alone(python("TIMES=1")).output();
        Path enough = folder.resolve("enough");
        try (Workload workload = Workload.start(folder, python("UNTIL=" + enough))) {
            CompletableFuture<Workload.Result> probed = new CompletableFuture<>();
            Thread.ofPlatform().start(() -> probed.complete(workload.work()));
            for (int round = 0; round < ROUNDS; round++) {
                Programs programs = round % 2 == 0 ? Programs.LITTLE : Programs.MUCH;
                try (EveryFunction probes = EveryFunction.of(List.of(workload.pid()), OF_PYTHON, programs)) {
                    while (probes.entries() < MANY) {
                        assertThat(probed).isNotDone();
                    }
                    probes.assertRestored();
                }
            }
            Files.createFile(enough);
            Workload.Result result = probed.join();
            int times = result.output().length() / once.length();
            assertThat(result.output()).isEqualTo(String.join("\n", Collections.nCopies(times, once)));
            assertThat(result.status()).isZero();
        }
    }

    private void assertWorksTheSame(List<String> command, List<String> files, Programs programs) {
        Workload.Result alone = alone(command);
        try (Workload workload = Workload.start(folder, command);
                EveryFunction probes = EveryFunction.of(List.of(workload.pid()), files, programs)) {
            Workload.Result probed = workload.work();

            System.out.println(probes.summary());
            assertThat(probed.output()).isEqualTo(alone.output());
            assertThat(probed.status()).isZero();
            assertThat(probes.entries()).isGreaterThan(MANY);
            assertFewLeftOut(probes);
        }
    }

    private Workload.Result alone(List<String> command) {
        try (Workload workload = Workload.start(folder, command)) {
            Workload.Result alone = workload.work();
            assertThat(alone.status()).as(alone.output()).isZero();
            return alone;
        }
    }

    private List<String> python(String times) throws IOException {
        List<String> command = new ArrayList<>(List.of("env", "PYTHONHASHSEED=0", times, "/usr/bin/python3"));
        command.add(Workload.script(folder, "work.py").toString());
        command.add(certificate("rsa:2048"));
        command.add(certificate("ec"));
        return command;
    }

    /** Functions that return twice, or whose jumps are not understood; counted by reason in the summary. */
    private static void assertFewLeftOut(EveryFunction probes) {
        assertThat(probes.leftOut()).as(probes.summary()).isLessThanOrEqualTo(probes.places() / ONE_IN);
    }

    private String certificate(String key) throws IOException {
        Path file = folder.resolve(key.replace(':', '-') + ".pem");
        List<String> command = new ArrayList<>(List.of("openssl", "req", "-x509", "-noenc", "-subj", "/CN=localhost"));
        command.addAll(List.of("-days", "2", "-newkey", key, "-keyout", file.toString()));
        if (key.equals("ec")) {
            command.addAll(List.of("-pkeyopt", "ec_paramgen_curve:P-256"));
        }
        Path certificate = folder.resolve(key.replace(':', '-') + ".crt");
        command.addAll(List.of("-out", certificate.toString()));
        run(command);
        run(List.of("sh", "-c", "cat \"$0\" >> \"$1\"", certificate.toString(), file.toString()));
        return file.toString();
    }

    private static void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(process.onExit().join().exitValue()).as("%s", command).isZero();
    }
}

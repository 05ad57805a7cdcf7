package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftRun;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel takes exported filters and does what the policy says. */
class SeccompExportTest {
    @TempDir
    private Path folder;

    @Test
    void theKernelDeniesWhatThePolicyDenies() throws Exception {
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                rules:
                  - {calls: socket, where: {family: AF_INET6}, deny: EAFNOSUPPORT}
                  - {calls: "%file", where: {flags: any O_WRONLY|O_RDWR}, deny: EROFS}
                  - {calls: getppid, deny: EPERM}
                  - {calls: openat, path: /dev/, deny: EACCES}
                """);
        Path filter = folder.resolve("filter.bpf");
        Path script = folder.resolve("filtered.py");
        try (InputStream in = SeccompExportTest.class.getResourceAsStream("filtered.py")) {
            Files.write(script, in.readAllBytes());
        }

        GraftRun run = GraftRun.of("policy", "export", "--seccomp", policy.toString(), "-w", filter.toString());

        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.errors()).contains("left out: rule \"rule 4\" (line 5): a filter cannot read paths");
        Process python = new ProcessBuilder("python3", script.toString(), filter.toString())
                .redirectErrorStream(true)
                .start();
        assertThat(python.inputReader().readLine()).isEqualTo("97 0 30 0 -1");
        assertThat(python.onExit().join().exitValue()).isZero();
    }
}

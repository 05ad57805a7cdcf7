package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class ExecutionTest {
    @Test
    void isAnotherOneAfterTheProcessHasStartedAProgram() throws IOException, InterruptedException {
        Process shell = new ProcessBuilder("sh", "-c", "echo; read line; exec sh -c 'echo; read line'").start();
        int pid = (int) shell.pid();
        try (BufferedReader lines = shell.inputReader()) {
            lines.readLine();
            Execution first = Execution.find(pid).orElseThrow();
            assertThat(first.isCurrent(pid)).isTrue();
            shell.getOutputStream().write('\n');
            shell.getOutputStream().flush();
            lines.readLine();
            assertThat(first.isCurrent(pid)).isFalse();
            assertThat(Execution.find(pid).orElseThrow().isCurrent(pid)).isTrue();
        } finally {
            shell.destroyForcibly().waitFor();
        }
        assertThat(Execution.find(pid)).isEmpty();
    }
}

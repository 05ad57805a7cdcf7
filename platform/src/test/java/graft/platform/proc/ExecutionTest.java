package graft.platform.proc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    @Test
    void isThereWhileOneProgramReplacesTheOther(@TempDir Path directory) throws IOException, InterruptedException {
        Path script = Files.writeString(directory.resolve("again"), "exec sh \"$0\"\n");
        Process shell = new ProcessBuilder("sh", script.toString()).start();
        try {
            Set<Execution> seen = new HashSet<>();
            for (int i = 0; i < 2000 || seen.size() < 3; i++) {
                seen.add(Execution.find((int) shell.pid()).orElseThrow());
            }
        } finally {
            shell.destroyForcibly().waitFor();
        }
    }
}

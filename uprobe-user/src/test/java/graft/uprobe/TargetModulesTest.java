package graft.uprobe;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.platform.proc.NoSuchProcessException;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class TargetModulesTest {
    @Test
    void aProcessThatEndsMeanwhileIsSaidToBeGone() throws IOException, InterruptedException {
        Process sleeper = new ProcessBuilder("sleep", "60").start();
        try (TargetModules modules = TargetModules.of(Math.toIntExact(sleeper.pid()))) {
            sleeper.destroyForcibly().waitFor();

            assertThatThrownBy(modules::executable).isInstanceOf(NoSuchProcessException.class);
        } finally {
            sleeper.destroyForcibly();
        }
    }
}

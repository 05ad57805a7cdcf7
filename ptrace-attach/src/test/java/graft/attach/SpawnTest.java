package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessStat;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("slow")
@Timeout(60)
class SpawnTest {
    private static final Map<String, String> ENVIRONMENT = Map.of("PATH", "/usr/bin:/bin", "WORD", "seven");

    @TempDir
    Path directory;

    private static Spawn shell(String script) {
        return new Spawn(List.of("sh", "-c", script), ENVIRONMENT, Optional.empty());
    }

    private static int exit(Spawn.Started started) {
        try (Child child = ((Spawn.Started.Running) started).child()) {
            return child.awaitExit();
        }
    }

    @Test
    void reportsTheExitCodeOfARunningChild() {
        assertThat(exit(shell("test $WORD = seven && exit 42").running())).isEqualTo(42);
    }

    @Test
    void reportsTheSignalThatEndedAChild() {
        assertThat(exit(shell("kill -TERM $$").running())).isEqualTo(128 + 15);
    }

    @Test
    void startsInItsDirectory() throws IOException {
        Spawn spawn = new Spawn(List.of("sh", "-c", "echo > here"), ENVIRONMENT, Optional.of(directory));
        assertThat(exit(spawn.running())).isZero();
        assertThat(directory.resolve("here")).exists();
    }

    @Test
    void doesNotStartWhatDoesNotExist() {
        Spawn spawn = new Spawn(List.of("no-such-program"), ENVIRONMENT, Optional.empty());
        assertThat(spawn.running()).isEqualTo(new Spawn.Started.NotStarted("no-such-program is not in PATH", 127));
        assertThat(spawn.heldAtEntry(_ -> {}))
                .isEqualTo(new Spawn.Started.NotStarted("no-such-program is not in PATH", 127));
    }

    @Test
    void heldProgramBeginsOnlyAfterThePreparation() {
        Path marker = directory.resolve("begun");
        Spawn spawn = new Spawn(List.of("sh", "-c", "echo > begun; exit 9"), ENVIRONMENT, Optional.of(directory));
        Spawn.Started started = spawn.heldAtEntry(pid -> {
            assertThat(ProcessStatus.of(pid).tracer()).isZero();
            assertThat(marker).doesNotExist();
        });
        assertThat(exit(started)).isEqualTo(9);
        assertThat(marker).exists();
    }

    @Test
    void failedPreparationEndsTheProgram() {
        int[] held = new int[1];
        try {
            shell("exit 9").heldAtEntry(pid -> {
                held[0] = pid;
                throw new IllegalStateException("planned");
            });
        } catch (IllegalStateException planned) {
            assertThat(planned).hasMessage("planned");
        }
        assertThat(ProcessStat.find(held[0])).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"-static", "-pie"})
    void probesWorkFromTheFirstCallOfAHeldProgram(String link) throws Exception {
        Path source = Files.writeString(directory.resolve("t.c"), """
                __attribute__((noinline, aligned(64))) long probed(long a) {
                  long r;
                  __asm__ volatile("mov $1000, %%eax\\n add %1, %0" : "=&a"(r) : "r"(a));
                  return r;
                }
                int main(void) { long s = 0; for (int i = 0; i < 1000; i++) s += probed(i); return s == 1499500 ? 77 : 1; }
                """);
        Path program = directory.resolve("t");
        Process gcc = new ProcessBuilder(
                        "gcc",
                        "-O1",
                        "-static".equals(link) ? link : "-O1",
                        "-o",
                        program.toString(),
                        source.toString())
                .inheritIO()
                .start();
        assertThat(gcc.waitFor()).isZero();
        long[] hits = {-1};
        Attachment[] attached = new Attachment[1];
        Spawn spawn = new Spawn(List.of(program.toString()), ENVIRONMENT, Optional.empty());
        Spawn.Started started = spawn.heldAtEntry(pid -> {
            AttachResult result = new Attacher(directory, StepListener.NONE)
                    .attach(LiveTarget.injection(pid, LiveTarget.find(pid, program)));
            assertThat(result).isInstanceOf(AttachResult.Attached.class);
            attached[0] = ((AttachResult.Attached) result).attachment();
            hits[0] = LiveTarget.hits(attached[0]);
        });
        assertThat(hits[0]).isZero();
        assertThat(exit(started)).isEqualTo(77);
        assertThat(attached[0].detach().outcome()).isEqualTo(DetachProof.Outcome.TARGET_GONE);
    }
}

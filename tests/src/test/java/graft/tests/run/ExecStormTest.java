package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.tests.command.Sessions;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process executes its program again and again: sessions come in the middle, are refused or ended by it, and harm nothing. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExecStormTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/count_work.bpf.o");
    private static final Path CALLS = Path.of("target/test-classes/bpf/syscalls.bpf.o");
    private static final int TURNS = 12;

    @TempDir
    private Path folder;

    @Test
    void sessionsComeInTheMiddle() throws IOException {
        Path program = AskedProgram.compile(folder, "reborn", "-pthread");
        Process shell = new ProcessBuilder("sh", "-c", "exec 3<&0; \"$0\" <&3 & echo $!; wait $!", program.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader answers = shell.inputReader();
        int pid = Integer.parseInt(answers.readLine());
        for (int turn = 0; turn < TURNS; turn++) {
            SessionRequest request = Sessions.request(turn % 4 == 0 ? OBJECT : CALLS, List.of(pid));
            switch (Session.open(request, Map.of(), AgentImage.load(), new Attacher())) {
                case Session.Opening.Opened(var session) -> session.close();
                case Session.Opening.Refused refused ->
                    assertThat(refused.refusal()).isNotNull();
            }
            assertThat(ProcessHandle.of(pid)).isPresent();
        }
        shell.outputWriter().append("end\n").close();
        assertThat(shell.onExit().join().exitValue()).isZero();
    }
}

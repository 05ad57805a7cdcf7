package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program denies some system calls of a live process: these, no others, and only as long as it is there. */
@Tag("slow")
class DeniedCallsTest {
    private static final String ALLOWED = "comm 0 version 0 parent known number known";

    @TempDir
    private Path folder;

    @Test
    void exactlyTheDeniedCallsFailWhileTheProgramIsThere() {
        String object = AskedProgram.object(folder, "denied");
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "denied"))) {
            assertThat(program.answer("go")).isEqualTo(ALLOWED);
            try (GraftProcess graft = GraftProcess.start("run", object, "-p", program.pid(), "--allow", "change")) {
                graft.awaitLine("attached");
                assertThat(program.answer("go")).isEqualTo("comm 13 version 0 parent unknown number unknown");
                GraftRun run = graft.interrupt();
                assertThat(run.status()).as(run.errors()).isZero();
            }
            assertThat(program.answer("go")).isEqualTo(ALLOWED);
        }
    }
}

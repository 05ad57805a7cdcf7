package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Errors that are put in place of calls, in strace's syntax: in their turns, and shown as the calls' results. */
@Tag("slow")
class InjectionTest {
    private static final String ALLOWED = "comm 0 version 0 parent known number known";

    @TempDir
    private Path folder;

    @Test
    void callsFailInTheirTurns() {
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "denied"))) {
            assertThat(program.answer("go")).isEqualTo(ALLOWED);
            try (GraftProcess graft = GraftProcess.start(
                    "syscalls",
                    "-p",
                    program.pid(),
                    "-e",
                    "openat,getppid",
                    "--inject",
                    "%file:error=EACCES:when=2+2:path=/proc/self/*",
                    "--inject",
                    "getppid:retval=0:when=2")) {
                graft.awaitLine("tracing");
                assertThat(program.answer("go")).isEqualTo("comm 0 version 0 parent known number unknown");
                assertThat(program.answer("go")).isEqualTo("comm 13 version 0 parent known number known");
                assertThat(program.answer("go")).isEqualTo(ALLOWED);
                assertThat(program.answer("go")).isEqualTo("comm 13 version 0 parent known number known");
                GraftRun run = graft.interrupt();

                assertThat(run.status()).as(run.errors()).isZero();
                assertThat(run.output().lines().filter(line -> line.contains("= -1 EACCES")))
                        .hasSize(2)
                        .allSatisfy(line -> assertThat(line).contains("\"/proc/self/comm\""));
                assertThat(run.errors())
                        .contains("injected %file:error=EACCES:when=2+2:path=/proc/self/*: 2 times")
                        .contains("injected getppid:retval=0:when=2: 1 times");
            }
            assertThat(program.answer("go")).isEqualTo(ALLOWED);
        }
    }

    /** Each program has opened nothing before its first instruction; what a shell executes gets the same rules. */
    @Test
    void commandsAndWhatTheyExecuteFailFromTheirFirstCall() {
        GraftRun run = GraftRun.of(
                "syscalls",
                "-f",
                "-e",
                "openat",
                "--inject",
                "openat:error=EACCES:path=/etc/hostname",
                "--",
                "/bin/sh",
                "-c",
                "cat /etc/hostname; cat /etc/os-release /etc/hostname; exec cat /etc/hostname");

        assertThat(run.status()).as(run.errors()).isEqualTo(1);
        assertThat(run.output().lines().filter(line -> line.contains("= -1 EACCES")))
                .hasSize(3)
                .allSatisfy(line -> assertThat(line).contains("\"/etc/hostname\""));
        assertThat(run.errors()).contains("injected openat:error=EACCES:path=/etc/hostname: 3 times");
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines of sources as places: executed as often as the source says, in a process as by the kernel's probes. */
@Tag("slow")
class SourceLinesTest {
    @TempDir
    private Path folder;

    /** 100 calls of each function for an answer, another 100 of work_a by work_b; one jump back. */
    @ParameterizedTest
    @CsvSource({"10, user, 200", "10, kernel, 200", "29, user, 1"})
    void aLineIsSeenEachTimeItRuns(int line, String where, long times) {
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "functions", "-g"))) {
            assertThat(hits(program, "uprobe:functions:functions.c:" + line, where))
                    .isEqualTo(times);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5", "-gz"})
    void allVersionsOfTheLineTableAreRead(String version) {
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "functions", "-g", version))) {
            GraftRun run = GraftRun.of("list", "uprobe:functions.c:22", "-p", program.pid());
            assertThat(run.output()).containsPattern("^uprobe:functions:work_recursive\\+0x");
        }
    }

    private long hits(AskedProgram program, String line, String where) {
        String object = AskedProgram.object(folder, "session");
        try (GraftProcess graft = GraftProcess.start(
                "run",
                object,
                "-p",
                program.pid(),
                "--without",
                "every_call,entries,returns",
                "--attach",
                "placed_by_hand=" + line,
                "--cookie",
                "placed_by_hand=1",
                "--where",
                where)) {
            graft.awaitLine("attached");
            program.answer("go");
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return Long.parseLong(run.lines().getLast().replaceFirst(".* = ", ""));
        }
    }

    @Test
    void saysWhyALineIsNoPlace() {
        Path file = AskedProgram.compile(folder, "functions", "-g");
        try (AskedProgram program = AskedProgram.start(file)) {
            assertThat(refused(program, "uprobe:functions.c:1"))
                    .contains("GRAFT-A013", "no code of this line", "uprobe:functions.c:8");
            assertThat(refused(program, "uprobe:function.c:10"))
                    .contains("GRAFT-A013", "was not built from a file of this name");
        }
        try (AskedProgram program = AskedProgram.start(AskedProgram.compile(folder, "functions", "-s"))) {
            assertThat(refused(program, "uprobe:functions.c:10"))
                    .contains("GRAFT-A012", "no debug information of lines", "-g");
        }
    }

    private static String refused(AskedProgram program, String place) {
        GraftRun run = GraftRun.of(List.of("count", place, "-p", program.pid()).toArray(String[]::new));
        assertThat(run.status()).isEqualTo(4);
        return run.errors();
    }
}

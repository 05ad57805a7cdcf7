package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessMaps;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Functions of libraries that a process loads while a session waits for them, unloads, and loads again. */
@Tag("slow")
class LateLibrariesTest {
    @TempDir
    private Path folder;

    private AskedProgram program;
    private String object;

    @BeforeEach
    void start() {
        object = AskedProgram.object(folder, "plugin");
        program = AskedProgram.start(
                AskedProgram.compile(folder, "loads", "-lpthread"), library("plugin.so"), library("second.so"));
    }

    private String library(String name) {
        Path made = AskedProgram.compile(folder, "plugin", "-shared", "-fPIC");
        Path library = folder.resolve(name);
        assertThat(made.toFile().renameTo(library.toFile())).isTrue();
        return library.toString();
    }

    @AfterEach
    void stop() {
        program.close();
    }

    /** One call by the library's constructor, three by the program right after dlopen: 7, 0, 1, 2, and one more each. */
    @Test
    void seesTheFirstCallsOfALibraryEachTimeItIsLoaded() {
        try (GraftProcess graft = GraftProcess.start("run", object, "--late", "-p", program.pid())) {
            graft.awaitLine("waiting for the library of uprobe:plugin.so:plugin_work");
            graft.awaitLine("attached");
            for (int time = 0; time < 3; time++) {
                assertThat(program.answer("load")).isEqualTo("6");
                assertThat(program.answer("unload")).isEqualTo("0");
            }
            assertThat(program.answer("load")).isEqualTo("6");
            GraftRun run = graft.interrupt();

            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.lines()).contains("sum[0] = 16", "sum[1] = " + 4 * 14);
            assertThat(run.errors()).contains("text equals the files, nothing left behind");
        }
        assertThat(program.answer("unload")).isEqualTo("0");
    }

    /** Each of two threads loads a library five times, calls it as above and unloads it. */
    @Test
    void seesLibrariesThatThreadsLoadAtTheSameTime() {
        try (GraftProcess graft = GraftProcess.start("run", object, "--late", "-p", program.pid())) {
            graft.awaitLine("attached");
            long before = mappings();
            assertThat(program.answer("both")).isEqualTo("60");
            assertThat(mappings()).isLessThan(before + 20);
            GraftRun run = graft.interrupt();

            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.lines()).contains("sum[0] = 20", "sum[1] = " + 5 * 14, "sum[2] = 20");
            assertThat(run.errors()).contains("text equals the files, nothing left behind");
        }
        assertThat(program.answer("both")).isEqualTo("60");
    }

    private long mappings() {
        return ProcessMaps.of(Integer.parseInt(program.pid())).mappings().size();
    }

    @Test
    void recoveryTakesOutWhatWasPutInLate() {
        long before = mappings();
        try (GraftProcess graft = GraftProcess.start("run", object, "--late", "-p", program.pid())) {
            graft.awaitLine("attached");
            assertThat(program.answer("load")).isEqualTo("6");
            graft.kill();
        }
        assertThat(program.answer("call")).isEqualTo("6");
        GraftRun recovered = GraftRun.of("recover");

        assertThat(recovered.status()).as(recovered.errors()).isZero();
        assertThat(program.answer("call")).isEqualTo("6");
        assertThat(program.answer("unload")).isEqualTo("0");
        assertThat(mappings()).isEqualTo(before);
        assertThat(program.answer("load")).isEqualTo("6");
    }

    @Test
    void recoveryLeavesALibraryThatIsGoneAlone() {
        assertThat(program.answer("load")).isEqualTo("6");
        try (GraftProcess graft = attachedToLoaded()) {
            graft.kill();
        }
        assertThat(program.answer("unload")).isEqualTo("0");
        assertThat(program.answer("map")).isEqualTo("0");
        GraftRun recovered = GraftRun.of("recover");

        assertThat(recovered.status()).as(recovered.errors()).isZero();
        assertThat(program.answer("changed")).isEqualTo("0");
        assertThat(program.answer("load")).isEqualTo("6");
    }

    @Test
    void aLibraryThatIsGoneNeedsNoUndo() {
        assertThat(program.answer("load")).isEqualTo("6");
        try (GraftProcess graft = attachedToLoaded()) {
            assertThat(program.answer("unload")).isEqualTo("0");
            assertClean(graft.interrupt());
        }
        assertThat(program.answer("load")).isEqualTo("6");
    }

    /** Where the library was there is something else, which stays as it is. */
    @Test
    void memoryThatWasMappedInItsPlaceIsLeftAlone() {
        assertThat(program.answer("load")).isEqualTo("6");
        try (GraftProcess graft = attachedToLoaded()) {
            assertThat(program.answer("unload")).isEqualTo("0");
            assertThat(program.answer("map")).isEqualTo("0");
            assertClean(graft.interrupt());
        }
        assertThat(program.answer("changed")).isEqualTo("0");
    }

    /** Loaded again, at the same place as a rule, it has the bytes of its file. */
    @Test
    void theSameLibraryLoadedAgainIsLeftAlone() {
        assertThat(program.answer("load")).isEqualTo("6");
        try (GraftProcess graft = attachedToLoaded()) {
            assertThat(program.answer("unload")).isEqualTo("0");
            assertThat(program.answer("load")).isEqualTo("6");
            GraftRun run = graft.interrupt();
            assertClean(run);
            assertThat(run.lines()).doesNotContain("sum[0] = 3");
        }
        assertThat(program.answer("call")).isEqualTo("6");
    }

    private GraftProcess attachedToLoaded() {
        GraftProcess graft = GraftProcess.start("run", object, "--without", "enters_second", "-p", program.pid());
        graft.awaitLine("attached");
        return graft;
    }

    private static void assertClean(GraftRun run) {
        assertThat(run.status()).as(run.errors()).isZero();
        assertThat(run.errors()).contains("nothing left behind");
    }

    @Test
    void saysThatALibraryIsNotLoadedWhenNobodyWaits() {
        GraftRun run = GraftRun.of("run", object, "-p", program.pid());

        assertThat(run.status()).isEqualTo(4);
        assertThat(run.errors()).contains("GRAFT-A003", "no mapped file is called");
    }

    /** One that waits already has the place in the loader. */
    @Test
    void saysWhyNobodyCanWait() {
        try (GraftProcess graft = GraftProcess.start("run", object, "--late", "-p", program.pid())) {
            graft.awaitLine("attached");
            GraftRun run = GraftRun.of("run", object, "--late", "-p", program.pid());

            assertThat(run.status()).isEqualTo(4);
            assertThat(run.errors()).contains("GRAFT-A014");
            assertThat(graft.interrupt().status()).isZero();
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Static probes of sys/sdt.h: arguments, cookies and semaphores in a process are those that the kernel's probes see. */
@Tag("slow")
class StaticProbesTest {
    @TempDir
    private Path folder;

    private AskedProgram program;

    @BeforeEach
    void start() {
        program = AskedProgram.start(AskedProgram.compile(folder, "markers", "-g"));
    }

    @AfterEach
    void stop() {
        program.close();
    }

    @Test
    void argumentsOfAllFormsAreAsInTheKernel() {
        String object = AskedProgram.object(folder, "markers");
        GraftRun user = seen(List.of("run", object, "--cookie", "guarded=77", "--where", "user"));
        GraftRun kernel = seen(List.of("run", object, "--cookie", "guarded=77", "--where", "kernel"));

        assertThat(user.lines())
                .isEqualTo(kernel.lines())
                .contains("sum[0] = -56", "sum[1] = 34359738396", "sum[6] = -9872", "sum[20] = 616");
    }

    /** 10 to 80 by bytes; 0 by the index -1, then the numbers before: 0, -1 to -6 and what lies before the first. */
    @Test
    void argumentsWithAnIndexAreFound() {
        String object = AskedProgram.object(folder, "indexed");
        GraftRun user = seen(List.of("run", object, "--where", "user"));
        GraftRun kernel = seen(List.of("run", object, "--where", "kernel"));

        assertThat(user.lines()).isEqualTo(kernel.lines()).contains("sum[0] = 360", "sum[2] = 24");
    }

    @Test
    void semaphoresAreUpWhileASessionLooks() {
        String object = AskedProgram.object(folder, "markers");
        assertThat(program.answer("go")).isEqualTo("0 0");
        try (GraftProcess first = attached("run", object, "--where", "user")) {
            assertThat(program.answer("go")).isEqualTo("1 0");
            // The kernel would put its breakpoint into our jump, and run the instruction of the file in its place.
            GraftRun kernel = GraftRun.of("run", object, "--where", "kernel", "-p", program.pid(), "-d", "1s");
            assertThat(kernel.status()).isEqualTo(4);
            assertThat(kernel.errors()).contains("GRAFT-A005");
            assertThat(program.answer("go")).isEqualTo("1 0");
            assertThat(first.interrupt().status()).isZero();
        }
        assertThat(program.answer("go")).isEqualTo("0 0");
    }

    @Test
    void recoveryCountsDownWhatAKilledSessionCountedUp() {
        String object = AskedProgram.object(folder, "markers");
        try (GraftProcess graft = attached("run", object, "--where", "user")) {
            assertThat(program.answer("go")).isEqualTo("1 0");
            graft.kill();
            assertThat(program.answer("go")).isEqualTo("1 0");
        }
        GraftRun recovered = GraftRun.of("recover");

        assertThat(recovered.status()).as(recovered.errors()).isZero();
        assertThat(program.answer("go")).isEqualTo("0 0");
        assertThat(GraftRun.of("recover").status()).isZero();
        assertThat(program.answer("go")).isEqualTo("0 0");
    }

    @Test
    void countsByPatternAndSaysWhatThereIs() {
        GraftRun counted = seen(List.of("count", "usdt:demo:*"));
        assertThat(counted.output()).containsPattern("8  demo:forms\\R").containsPattern("8  demo:twice\\R");

        GraftRun missing = GraftRun.of("count", "usdt:demo:form", "-p", program.pid());
        assertThat(missing.status()).isEqualTo(4);
        assertThat(missing.errors()).contains("GRAFT-A011 cannot resolve usdt:demo:form", "usdt:demo:forms");
    }

    private GraftProcess attached(String... command) {
        List<String> all = new java.util.ArrayList<>(List.of(command));
        all.addAll(List.of("-p", program.pid()));
        GraftProcess graft = GraftProcess.start(all.toArray(String[]::new));
        graft.awaitLine(command[0].equals("count") ? "counting" : "attached");
        return graft;
    }

    private GraftRun seen(List<String> command) {
        try (GraftProcess graft = attached(command.toArray(String[]::new))) {
            program.answer("go");
            GraftRun run = graft.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            return run;
        }
    }
}

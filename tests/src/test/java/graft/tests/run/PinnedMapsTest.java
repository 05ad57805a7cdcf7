package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.PinFolder;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A map that is pinned by its name counts on in the next session, also when the one before was killed. */
@Tag("slow")
@Timeout(180)
class PinnedMapsTest {
    private static final String MAP = "graft_test_kept";

    @TempDir
    private static Path folder;

    private Path pin;
    private ToldProgram program;

    @BeforeEach
    void start() throws IOException {
        pin = PinFolder.path().resolve(MAP);
        Files.deleteIfExists(pin);
        program = ToldProgram.start(ToldProgram.compile(folder));
    }

    @AfterEach
    void stop() throws IOException {
        program.close();
        Files.deleteIfExists(pin);
    }

    private GraftProcess session() {
        GraftProcess graft = GraftProcess.start(command("pinned"));
        graft.awaitLine("attached");
        return graft;
    }

    private String[] command(String object) {
        return new String[] {
            "run",
            "target/test-classes/bpf/" + object + ".bpf.o",
            "-p",
            program.pid(),
            "--attach",
            "on_call=uprobe::work",
            "-d",
            "30s"
        };
    }

    private static String works(String... words) {
        GraftRun run = GraftRun.of(words);
        assertThat(run.status()).as(run.errors()).isZero();
        return run.output();
    }

    private static void refused(GraftRun run, String... why) {
        assertThat(run.status()).as(run.errors()).isEqualTo(4);
        assertThat(run.errors()).contains("GRAFT-M001").contains(why);
    }

    @Test
    void theNextSessionCountsOnAfterOneThatWasKilled() throws IOException {
        try (GraftProcess first = session()) {
            program.does("call 3");
            first.kill();
        }
        works("recover");
        assertThat(Files.getPosixFilePermissions(pin)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(Files.getPosixFilePermissions(pin.getParent()))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
        assertThat(works("map", "list")).containsPattern("pin +" + MAP + " +hash +__u32 +__u64 .* " + pin);
        assertThat(works("map", "dump", MAP)).isEqualTo(MAP + "[0] = 3\n");
        works("map", "set", "pin:" + MAP, "0", "10");

        try (GraftProcess second = session()) {
            program.does("call 2");
            assertThat(works("map", "get", MAP, "0")).isEqualTo(MAP + "[0] = 12\n");
            refused(GraftRun.of("map", "get", "pin:" + MAP, "0"), "another session uses its pin " + pin);
            refused(GraftRun.of(command("pinned")), "another session uses its pin");
            GraftRun run = second.interrupt();
            assertThat(run.status()).as(run.errors()).isZero();
            assertThat(run.output()).contains(MAP + "[0] = 12\n");
            assertThat(run.errors()).contains("text equals the files, nothing left behind");
        }
        assertThat(works("map", "get", MAP, "0")).isEqualTo(MAP + "[0] = 12\n");
    }

    @Test
    void anotherDefinitionIsRefusedAndNothingIsAttached() {
        try (GraftProcess graft = session()) {
            program.does("call 1");
            assertThat(graft.interrupt().status()).isZero();
        }
        refused(GraftRun.of(command("pinned_other")), "value_size 8, not 4", "try: remove " + pin);
        assertThat(works("map", "get", MAP, "0")).isEqualTo(MAP + "[0] = 1\n");
    }

    @Test
    void aPinThatIsRemovedIsGoneForTheNextOne() throws IOException {
        try (GraftProcess graft = session()) {
            program.does("call 2");
            Files.delete(pin);
            program.does("call 1");
            assertThat(works("map", "get", MAP, "0")).isEqualTo(MAP + "[0] = 3\n");
            assertThat(graft.interrupt().status()).isZero();
        }
        try (GraftProcess graft = session()) {
            program.does("call 1");
            assertThat(works("map", "get", MAP, "0")).isEqualTo(MAP + "[0] = 1\n");
            assertThat(graft.interrupt().status()).isZero();
        }
    }
}

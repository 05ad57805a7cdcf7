package graft.tests.relocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Displaced instructions do what they did in place. Of each file {@code -Dgraft.windows=N}. */
@Tag("slow")
class RelocationTest {
    private static final int WINDOWS = Integer.getInteger("graft.windows", 25_000);
    private static final long SEED = 20_261;

    @TempDir
    private Path folder;

    @Test
    void aWindowThatWasMovedWronglyIsNoticed() throws IOException, InterruptedException {
        Path path = Path.of("/usr/lib/x86_64-linux-gnu/libc.so.6");
        assumeTrue(Files.exists(path));
        ProgramWindows program = new ProgramWindows(path, SEED);
        List<ProgramWindows.Displaced> right = program.choose(100);
        byte[] incrementsR14 = {0x49, (byte) 0xff, (byte) 0xc6};
        List<ProgramWindows.Displaced> wrong = right.stream()
                .map(window -> new ProgramWindows.Displaced(window.insns(), incrementsR14, List.of(), window.seed()))
                .toList();

        assertThat(RelocationRunner.compile(folder).run(program, wrong).differences())
                .hasSize(100);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
                "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                "/usr/sbin/nginx"
            })
    void movedInstructionsOfRealProgramsDoWhatTheyDidInPlace(String file) throws IOException, InterruptedException {
        Path path = Path.of(file);
        assumeTrue(Files.exists(path));
        ProgramWindows program = new ProgramWindows(path, SEED);
        List<ProgramWindows.Displaced> windows = program.choose(WINDOWS);

        RelocationRunner.Result result = RelocationRunner.compile(folder).run(program, windows);

        assertThat(result.differences()).isEmpty();
        assertThat(result.windows()).isEqualTo(WINDOWS);
        assertThat(result.whole()).as("not faults").isGreaterThan(WINDOWS / 2);
    }
}

package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.Session;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Debuggers and profilers see the frames of a tracee as if it were not probed. */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FramesTest {
    private static final List<String> PLACES = List.of("uprobe:work", "uretprobe:work", "uprobe:outer");
    private static final List<String> FRAMES = List.of("deep", "work", "outer", "work_on", "main");
    private static final Pattern GDB = Pattern.compile("#\\d+ +(?:0x\\w+ in )?(\\S+) \\(.*");
    private static final Pattern PERF = Pattern.compile("\\s+[0-9a-f]+ (\\S+)\\+0x.*");

    private static final Path SCRIPT = Path.of("..", "setup", "graft-gdb.py");

    @TempDir
    private Path folder;

    @Test
    void gdbWalksThroughProbedFrames() throws IOException {
        try (Tracee tracee = new Tracee(TraceeSource.named("frames").compile(folder));
                Session session = Probes.open(tracee, PLACES, "little")) {
            assertThat(session.skipped()).isEmpty();
            tracee.beginTurn(100);
            List<String> traces = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                traces.add(run("gdb", "-p", Integer.toString(tracee.pid()), "-batch", "-nx", "-ex", "bt"));
            }
            tracee.endTurn();
            assertWhole(traces, GDB);
        }
    }

    /** The caller is found in the process by the script; the frame between is the stub's. */
    @Test
    void gdbWalksThroughWrappedCallsWithTheScript() throws IOException {
        try (Tracee tracee = new Tracee(TraceeSource.named("wrapped-frames").compile(folder));
                Session session = Probes.open(tracee, PLACES, "little")) {
            assertThat(session.skipped()).isEmpty();
            tracee.beginTurn(100);
            List<String> traces = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                traces.add(run(
                                "gdb",
                                "-p",
                                Integer.toString(tracee.pid()),
                                "-batch",
                                "-nx",
                                "-ex",
                                "source " + SCRIPT,
                                "-ex",
                                "bt")
                        .replaceAll("(?m)^.* in \\?\\? \\(\\).*\n", ""));
            }
            tracee.endTurn();
            assertWhole(traces, GDB);
        }
    }

    @Test
    void perfWalksThroughProbedFrames() throws IOException {
        String data = folder.resolve("perf.data").toString();
        try (Tracee tracee = new Tracee(TraceeSource.named("frames").compile(folder));
                Session session = Probes.open(tracee, PLACES, "little")) {
            assertThat(session.skipped()).isEmpty();
            tracee.beginTurn(100);
            String pid = Integer.toString(tracee.pid());
            run(
                    "perf",
                    "record",
                    "-q",
                    "-e",
                    "cpu-clock:u",
                    "--call-graph",
                    "dwarf",
                    "-o",
                    data,
                    "-p",
                    pid,
                    "--",
                    "sleep",
                    "1");
            tracee.endTurn();
        }
        List<String> samples =
                Arrays.stream(run("perf", "script", "-i", data).split("\n\n")).toList();
        assertThat(samples).hasSizeGreaterThan(100);
        assertWhole(samples, PERF);
    }

    /** Nearly all of its time the tracee is in the innermost function, and not in a probe. */
    private static void assertWhole(List<String> traces, Pattern frame) {
        int inside = 0;
        for (String trace : traces) {
            List<String> frames = frames(trace, frame);
            int innermost = frames.indexOf(FRAMES.getFirst());
            if (innermost >= 0) {
                inside++;
                assertThat(frames.subList(innermost, frames.size()))
                        .as(trace)
                        .startsWith(FRAMES.toArray(String[]::new));
            }
        }
        assertThat(inside).isGreaterThan(traces.size() / 2);
    }

    private static List<String> frames(String said, Pattern frame) {
        return said.lines()
                .map(frame::matcher)
                .flatMap(line -> line.matches() ? Stream.of(line.group(1)) : Stream.empty())
                .toList();
    }

    private static String run(String... command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.onExit().join().exitValue())
                .as(String.join(" ", command) + "\n" + output)
                .isZero();
        return output;
    }
}

package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.Session;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every tracee works the same with probes, without them and while they come and go, and every call is counted. How often
 * they come and go: {@code -Dgraft.turns=N}; for some tracees: {@code -Dgraft.tracee=NAME,NAME}.
 */
@Tag("slow")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TraceeTest {
    private static final long TIMES = 1000;
    private static final String ONLY = System.getProperty("graft.tracee", "");
    private static final int TURNS = Integer.getInteger("graft.turns", 15);

    @TempDir
    private Path folder;

    static List<TraceeSource> tracees() {
        return TraceeSource.all().stream()
                .filter(source -> ONLY.isEmpty() || List.of(ONLY.split(",")).contains(source.name()))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("tracees")
    void worksTheSameUnderProbes(TraceeSource source) throws IOException {
        List<String> command = source.command(folder);
        List<List<String>> places = places(source, command);
        try (Tracee tracee = new Tracee(command)) {
            List<Long> expected = tracee.run(TIMES);
            for (String counting : source.programs()) {
                for (int probe = 0; probe < places.size(); probe++) {
                    for (String place : places.get(probe)) {
                        try (Session session = Probes.open(tracee, List.of(place), counting)) {
                            assertThat(tracee.run(TIMES)).isEqualTo(expected);
                            if (!expected.isEmpty()) {
                                assertThat(Probes.count(session, 0)).as(place).isEqualTo(expected.get(probe));
                            }
                            Probes.assertRestored(session);
                        }
                    }
                }
            }
            assertThat(tracee.run(TIMES)).isEqualTo(expected);
        }
    }

    /** What one of them moves, its stub runs. */
    @Test
    void allInstructionsOfAFunctionCountAtOnce() throws IOException {
        TraceeSource source = TraceeSource.named("red-zone");
        List<String> command = source.command(folder);
        List<String> places = places(source, command).getFirst();
        try (Tracee tracee = new Tracee(command);
                Session session = Probes.open(tracee, places, "little")) {
            List<Long> expected = tracee.run(TIMES);
            assertThat(places).hasSizeGreaterThan(40);
            assertThat(session.skipped()).isEmpty();
            for (int place = 0; place < places.size(); place++) {
                assertThat(Probes.count(session, place)).as(places.get(place)).isEqualTo(expected.getFirst());
            }
            Probes.assertRestored(session);
        }
    }

    /** Probes that would need each other's instructions, and cannot share them, are left out; the others count. */
    @ParameterizedTest
    @MethodSource("tracees")
    void worksTheSameUnderAllProbesAtOnce(TraceeSource source) throws IOException {
        List<String> command = source.command(folder);
        List<List<String>> places = places(source, command);
        try (Tracee tracee = new Tracee(command)) {
            List<Long> expected = tracee.run(TIMES);
            try (Session session = Probes.open(
                    tracee,
                    places.stream().flatMap(List::stream).toList(),
                    source.programs().getLast())) {
                assertThat(tracee.run(TIMES)).isEqualTo(expected);
                assertThat(silent(session, places, expected))
                        .as(session.skipped().toString())
                        .hasSize(session.skipped().size());
                Probes.assertRestored(session);
                assertThat(session.missed().all()).isZero();
            }
            assertThat(tracee.run(TIMES)).isEqualTo(expected);
        }
    }

    /** The places that counted nothing; all others counted what they should. */
    private static List<String> silent(Session session, List<List<String>> places, List<Long> expected) {
        List<String> silent = new ArrayList<>();
        int cookie = 0;
        for (int probe = 0; probe < places.size(); probe++) {
            for (String place : places.get(probe)) {
                long count = Probes.count(session, cookie++);
                if (count == 0) {
                    silent.add(place);
                } else if (!expected.isEmpty()) {
                    assertThat(count).as(place).isEqualTo(expected.get(probe));
                }
            }
        }
        return silent;
    }

    @ParameterizedTest
    @MethodSource("tracees")
    void worksWhileProbesComeAndGo(TraceeSource source) throws IOException {
        List<String> command = source.command(folder);
        List<String> places =
                places(source, command).stream().flatMap(List::stream).toList();
        try (Tracee tracee = new Tracee(command)) {
            tracee.beginTurn(TIMES / 10);
            for (int turn = 0; turn < TURNS; turn++) {
                try (Session session = Probes.open(
                        tracee,
                        places,
                        source.programs().get(turn % source.programs().size()))) {
                    Probes.assertRestored(session);
                }
            }
            tracee.endTurn();
        }
    }

    /** Where the tracee's probes lie: one place for each, or all instructions of its function. */
    private static List<List<String>> places(TraceeSource source, List<String> command) throws IOException {
        List<List<String>> places = new ArrayList<>();
        for (String probe : source.probes()) {
            String function = probe.substring(probe.indexOf(':') + 1);
            places.add(probe.startsWith("each:") ? instructions(command.getFirst(), function) : List.of(probe));
        }
        return places;
    }

    /** As binutils sees them. */
    private static List<String> instructions(String program, String function) throws IOException {
        Process objdump =
                new ProcessBuilder("objdump", "-d", "--no-show-raw-insn", "--disassemble=" + function, program).start();
        List<String> places = new ArrayList<>();
        try (BufferedReader lines = objdump.inputReader()) {
            long start = -1;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher instruction = Pattern.compile(" *([0-9a-f]+):\t\\S.*").matcher(line);
                if (instruction.matches()) {
                    long address = Long.parseLong(instruction.group(1), 16);
                    start = start < 0 ? address : start;
                    places.add("uprobe:" + function + (address == start ? "" : "+" + (address - start)));
                }
            }
        }
        assertThat(places).isNotEmpty();
        return places;
    }
}

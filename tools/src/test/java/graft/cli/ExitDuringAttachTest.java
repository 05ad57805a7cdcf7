package graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Catalogue;
import graft.cli.error.Problem;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.platform.linux.PosixSpawn;
import graft.platform.linux.Signals;
import graft.platform.linux.Waitpid;
import graft.platform.proc.ProcessStat;
import graft.uprobe.Probe;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The target is killed before each step of an attach in turn: the user is told, and nothing is left behind. */
@Tag("slow")
@Timeout(120)
class ExitDuringAttachTest {
    private static final int MORE_STEPS_THAN_THERE_ARE = 200;
    private static final String SLEEPING = "230 "; // clock_nanosleep

    @TempDir
    private Path journals;

    @Test
    void isToldAtEveryStep() throws IOException {
        List<String> steps = new ArrayList<>();
        boolean refused = true;
        for (int step = 1; refused; step++) {
            assertThat(step).isLessThan(MORE_STEPS_THAN_THERE_ARE);
            refused = killedBefore(step, steps);
            assertThat(journals).as("after %s", steps.getLast()).isEmptyDirectory();
        }
        assertThat(steps).contains("attach:journal-written", "attach:routine-started", "attach:threads-stopped");
    }

    /** Returns false when the attach has fewer steps. */
    private boolean killedBefore(int step, List<String> steps) throws IOException {
        int pid = PosixSpawn.spawn("/bin/sleep", List.of("sleep", "600"), List.of(), Optional.empty());
        while (!Files.readString(Path.of("/proc/" + pid + "/syscall")).startsWith(SLEEPING)) {
            Thread.onSpinWait();
        }
        int[] passed = new int[1];
        Attacher attacher = new Attacher(journals, name -> {
            if (name.startsWith("attach:") && ++passed[0] == step) {
                steps.add(name);
                end(pid);
            }
        });
        try {
            SessionRequest request = new SessionRequest(
                    PackagedProgram.COUNT.spec(), List.of(new LinkRequest.Uprobe("count", probe(), 0)), List.of(pid));
            switch (Session.open(request, Map.of(), AgentImage.load(), attacher)) {
                case Session.Opening.Opened(var session) -> {
                    session.close();
                    return passed[0] >= step;
                }
                case Session.Opening.Refused(var refusal) -> {
                    Problem problem = SessionProblems.of(refusal);
                    assertThat(problem.exitStatus(Catalogue.packaged()))
                            .as("%s: %s", steps.getLast(), problem.text(Catalogue.packaged()))
                            .isEqualTo(6);
                    assertThat(problem.text(Catalogue.packaged()).lines().toList())
                            .satisfiesExactly(
                                    line -> assertThat(line)
                                            .isEqualTo("GRAFT-T002 process " + pid + " ended meanwhile"),
                                    line -> assertThat(line).startsWith("  ").contains(Integer.toString(pid)),
                                    line -> assertThat(line)
                                            .isEqualTo("  try: start it again, or use graft run FILE -- COMMAND to"
                                                    + " trace from the start"));
                    return true;
                }
            }
        } finally {
            Signals.kill(pid, Signals.SIGKILL);
            try (Arena arena = Arena.ofConfined()) {
                Waitpid.waitpid(pid, 0, arena.allocate(ValueLayout.JAVA_INT));
            }
        }
    }

    private static Probe probe() {
        return ((Probe.Parsed.Ok) Probe.parse("uprobe:libc.so.6:malloc")).probe();
    }

    /** Kills and waits until it is dead, or held by its tracer on the way there. */
    private static void end(int pid) {
        Signals.kill(pid, Signals.SIGKILL);
        while (ProcessStat.find(pid).filter(stat -> !stat.ended()).isPresent()) {
            Thread.onSpinWait();
        }
    }
}

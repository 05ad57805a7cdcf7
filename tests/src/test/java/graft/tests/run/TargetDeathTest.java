package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.StepListener;
import graft.daemon.Session;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.platform.linux.SharedRegion;
import graft.platform.linux.Signals;
import graft.platform.proc.ProcessStat;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A target that is killed while it holds a lock of a map that it shares with another target. */
@Tag("slow")
class TargetDeathTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/hash_changes.bpf.o");
    private static final int CALLS = 100_000;
    private static final int STOPS = 100_000;

    @TempDir
    private Path folder;

    @Test
    void otherTargetsGoOnAndTheSessionSaysWhichOneEnded() throws IOException {
        Path file = ToldProgram.compile(folder);
        try (ToldProgram killed = ToldProgram.start(file);
                ToldProgram living = ToldProgram.start(file);
                Session session = Sessions.open(
                        Sessions.request(OBJECT, List.of(pid(killed), pid(living))),
                        new Attacher(folder.resolve("journals"), StepListener.NONE))) {
            killed.begins("call " + Long.MAX_VALUE);
            stopInsideAChange(pid(killed), session.collection().map("table").orElseThrow());
            killed.kill();

            assertThat(session.hasLiveTarget()).isTrue();
            assertThat(session.endedTargets()).containsExactly(pid(killed));
            living.does("call " + CALLS);
            ArrayMap refused = (ArrayMap) session.collection().map("refused").orElseThrow();
            assertThat(refused.longAt(0)).isZero();
            assertThat(session.detach())
                    .extracting(DetachProof::outcome)
                    .containsExactly(DetachProof.Outcome.TARGET_GONE, DetachProof.Outcome.RESTORED);
            // Old words on its stack may still look like returns into the pool, so memory may stay; the text may not.
            DetachProof proof = session.detach().getLast();
            assertThat(proof.restored()).isEqualTo(proof.sites());
            assertThat(proof.pages()).isNotEmpty().allMatch(DetachProof.Page::matchesFile);
        }
    }

    private static int pid(ToldProgram program) {
        return Integer.parseInt(program.pid());
    }

    /** Stops the process again and again, until it holds a lock in {@code map}: a word with its process and thread id. */
    private static void stopInsideAChange(int pid, BpfMap map) {
        long owner = (long) pid << Integer.SIZE | pid;
        try (SharedRegion memory = SharedRegion.map(map.fd(), map.regionSize(), SharedRegion.Access.READ_ONLY)) {
            for (int stop = 0; stop < STOPS; stop++) {
                Signals.kill(pid, Signals.SIGSTOP);
                while (ProcessStat.of(pid).state() != 'T') {
                    Thread.onSpinWait();
                }
                if (memory.segment()
                        .elements(ValueLayout.JAVA_LONG)
                        .anyMatch(word -> word.get(ValueLayout.JAVA_LONG, 0) == owner)) {
                    return;
                }
                Signals.kill(pid, Signals.SIGCONT);
            }
            throw new AssertionError("never stopped inside a change");
        }
    }
}

package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.proc.Execution;
import graft.platform.proc.ProcessStat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class JournalTest {
    private static final int JOURNALS = 300;

    @TempDir
    Path journals;

    @Test
    void aRecoveryMeanwhileSeesCompleteOnesOnly() throws Exception {
        int self = (int) ProcessHandle.current().pid();
        UndoRecord undo = record(self, ProcessStat.of(self).startTime());
        CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
            for (int i = 0; i < JOURNALS; i++) {
                Journal.write(journals, undo);
            }
        });
        while (!writer.isDone()) {
            assertThat(Recovery.recover(journals)).allMatch(Recovery.Outcome.InUse.class::isInstance);
        }
        writer.get();
        assertThat(Recovery.recover(journals)).hasSize(JOURNALS).allMatch(Recovery.Outcome.InUse.class::isInstance);
    }

    @Test
    void whatADeadWriterHasNotCompletedIsForgottenAndTheRestIsLeft() throws IOException {
        long noProcess = 1L << 40;
        Files.writeString(journals.resolve(noProcess + "-1-2-3" + Journal.UNFINISHED_SUFFIX), "graft-jour");
        Path alive = Files.writeString(
                journals.resolve(ProcessHandle.current().pid() + "-1-2-3" + Journal.UNFINISHED_SUFFIX), "graft-jour");

        assertThat(Recovery.recover(journals)).isEmpty();

        assertThat(journals).isDirectoryContaining(alive::equals);
        assertThat(journals.toFile().list()).hasSize(1);
    }

    private static UndoRecord record(int pid, long start) {
        Hole hole = new Hole(new RemoteAddress(0x1000), new byte[Hole.SIZE]);
        return new UndoRecord(
                pid,
                start,
                Evidence.bootId(),
                Execution.find(pid).orElseThrow(),
                pid,
                start,
                hole,
                List.of(),
                List.of(),
                List.of());
    }
}

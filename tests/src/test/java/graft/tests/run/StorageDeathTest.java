package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.TaskStorageMap;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process is killed while its threads come and go: nothing of it stays, and another's threads go on. */
@Tag("slow")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StorageDeathTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/task_storage.bpf.o");
    private static final int DEATHS = 8;
    private static final int LONGEST_NANOS = 40_000_000;

    @TempDir
    private Path folder;

    @Test
    void nothingOfADeadProcessStays() throws IOException {
        Path file = ToldProgram.compile(folder, "storage", "gcc", "-pthread");
        Random random = new Random();
        for (int death = 0; death < DEATHS; death++) {
            try (ToldProgram dies = ToldProgram.start(file);
                    ToldProgram goesOn = ToldProgram.start(file);
                    Session session = Sessions.open(request(file, dies, goesOn), new Attacher())) {
                dies.begins("threads 100000000");
                goesOn.begins("threads 2000");
                LockSupport.parkNanos(random.nextInt(LONGEST_NANOS));
                dies.kill();
                assertThat(session.endedTargets()).containsExactly(Integer.parseInt(dies.pid()));
                goesOn.answers();
                goesOn.does("call 5");
                for (String name : List.of("seen", "number")) {
                    TaskStorageMap map =
                            (TaskStorageMap) session.collection().map(name).orElseThrow();
                    assertThat(map.releaseLocksOf(Integer.parseInt(dies.pid()))).isZero();
                    assertThat(map.threads()).containsExactly(Integer.parseInt(goesOn.pid()));
                }
            }
        }
    }

    private static SessionRequest request(Path file, ToldProgram... programs) throws IOException {
        List<Integer> pids = java.util.Arrays.stream(programs)
                .map(program -> Integer.parseInt(program.pid()))
                .toList();
        Probe probe = new Probe(Probe.Kind.ENTRY, file.toString(), "work", 0);
        return Sessions.request(OBJECT, pids).with(List.of(new LinkRequest.Uprobe("on_call", probe, 0)));
    }
}

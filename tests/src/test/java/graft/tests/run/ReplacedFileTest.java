package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.bridge.KernelMap;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.HashTable;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.tests.command.CompiledProgram;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A package update replaces the file of a running program: probes belong into the file that is mapped, not the new one. */
@Tag("slow")
class ReplacedFileTest {
    private static final int CALLS = 1000;
    private static final Path OBJECT = Path.of("target/test-classes/bpf/count_work.bpf.o");
    private static final String SOURCE = """
            #include <stdio.h>
            %s
            __attribute__((noinline)) long work(long a) { volatile long x = a; return x + 1; }
            int main(void) {
                long sum = 0;
                while (getchar() != EOF) {
                    for (int i = 0; i < %d; i++) sum += work(i);
                    putchar(sum ? '.' : '?');
                    fflush(stdout);
                }
                return 0;
            }
            """;

    @TempDir
    private Path folder;

    private Process process;

    @BeforeEach
    void startAndReplace() throws IOException, InterruptedException {
        Path program = compiled("program", "");
        Path update =
                compiled("update", "__attribute__((used)) void moves_the_rest(void) { __asm__(\".skip 4096\"); }");
        // A child of the shell: Java waits for its own children in a thread that would take the stops of a tracer here.
        process = new ProcessBuilder("sh", "-c", "\"$0\"; exit", program.toString()).start();
        round();
        Files.move(update, program, StandardCopyOption.REPLACE_EXISTING);
    }

    @AfterEach
    void end() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    @Test
    void kernelProbesAreInTheMappedFile() throws IOException {
        KernelSession.Opening opening = KernelSession.open(request(), Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        try (KernelSession session = ((KernelSession.Opening.Opened) opening).session()) {
            round();
            KernelMap calls = session.maps().get("calls");
            assertThat(calls.keys()).hasSize(1);
            assertThat(number(calls.lookup(calls.keys().getFirst()).orElseThrow()))
                    .isEqualTo(CALLS);
        }
    }

    @Test
    void probesInTheProcessAreInTheMappedFile() throws IOException {
        Session.Opening opening = Session.open(request(), Map.of(), AgentImage.load(), new Attacher());
        assertThat(opening).isInstanceOf(Session.Opening.Opened.class);
        try (Session session = ((Session.Opening.Opened) opening).session()) {
            round();
            HashTable calls = (HashTable) session.collection().map("calls").orElseThrow();
            assertThat(calls.entries()).hasSize(1);
            assertThat(number(calls.entries().getFirst().values().getFirst())).isEqualTo(CALLS);
            assertThat(session.detach()).allMatch(proof -> proof.clean());
        }
    }

    private SessionRequest request() throws IOException {
        CollectionSpec object = switch (ObjectLoader.load("count_work", Files.readAllBytes(OBJECT))) {
            case LoadResult.Loaded(var spec, var _) -> spec;
            case LoadResult.Refused refused -> throw new AssertionError(refused);
        };
        return new SessionRequest(object, SectionLinks.of(object).links(), List.of(pid()));
    }

    private int pid() {
        return Math.toIntExact(process.children().findFirst().orElseThrow().pid());
    }

    /** One round of calls, which is over when this returns. */
    private void round() throws IOException {
        process.getOutputStream().write('\n');
        process.getOutputStream().flush();
        assertThat(process.getInputStream().read()).isEqualTo('.');
    }

    private static long number(byte[] value) {
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    private Path compiled(String name, String extra) throws IOException, InterruptedException {
        return CompiledProgram.of(folder, name, SOURCE.formatted(extra, CALLS), "-O2");
    }
}

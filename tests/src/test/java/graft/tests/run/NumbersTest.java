package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.KeyedMap;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * By which numbers programs know processes and threads in other pid namespaces: by those that the kernel has for the same object
 * at the same calls.
 */
@Tag("slow")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NumbersTest {
    @TempDir
    private Path folder;

    @Test
    void ofThreadsInAPidNamespace() throws IOException {
        try (AskedProgram program = AskedProgram.startInPidNamespace(compiled())) {
            compare(program, ForkedChildren.LEFT, List.of("threads", "churn", "threads"));
        }
    }

    /** A number that is given out again at once, in sessions in which threads have values. */
    @Test
    void ofThreadsWithOneNumber() throws IOException {
        try (AskedProgram program = AskedProgram.startInPidNamespace(compiled())) {
            compare(program, ForkedChildren.LEFT, List.of("same"), "-DKEPT");
        }
    }

    @Test
    void ofChildrenInAPidNamespace() throws IOException {
        try (AskedProgram program = AskedProgram.startInPidNamespace(compiled())) {
            compare(program, ForkedChildren.FOLLOWED, List.of("threads", "children", "churn", "children"));
        }
    }

    @Test
    void ofChildrenThatGoIntoANamespaceInsideOfIt() throws IOException {
        try (AskedProgram program = AskedProgram.startInPidNamespace(compiled())) {
            compare(program, ForkedChildren.FOLLOWED, List.of("threads", "inner"));
        }
    }

    @Test
    void ofChildrenThatGoIntoAPidNamespace() throws IOException {
        try (AskedProgram program = AskedProgram.start(compiled())) {
            compare(program, ForkedChildren.FOLLOWED, List.of("threads", "children", "inner"));
        }
    }

    /** Those that they have there, by the helper that asks for them. */
    @Test
    void ofTheirOwnNamespaces() throws IOException {
        Object device = Files.getAttribute(Path.of("/proc/self/ns/pid"), "unix:dev");
        try (AskedProgram program = AskedProgram.start(compiled())) {
            compare(program, ForkedChildren.FOLLOWED, List.of("threads", "children", "inner"), "-DDEVICE=" + device);
        }
    }

    private Path compiled() {
        return AskedProgram.compile(folder, "numbers", "-pthread");
    }

    private void compare(AskedProgram program, ForkedChildren children, List<String> lines, String... options)
            throws IOException {
        Path object = Path.of(AskedProgram.object(folder, "numbers", options));
        SessionRequest here = Sessions.request(object, List.of(Integer.parseInt(program.pid())))
                .with(children);
        try (Session session = Sessions.open(here, new Attacher());
                KernelSession kernel = inKernel(Sessions.request(object, List.of()))) {
            int calls = 0;
            for (String line : lines) {
                calls = Integer.parseInt(program.answer(line));
            }
            List<String> expected = rows(calls, kernel.maps().get("NUMBERS")::lookup);
            assertThat(expected).hasSizeGreaterThan(10).doesNotContain("0 0");
            assertThat(rows(calls, keyed(session, "NUMBERS"))).isEqualTo(expected);
            assertThat(rows(calls, keyed(session, "HASHED"))).isEqualTo(expected);
        }
    }

    private static Function<byte[], Optional<byte[]>> keyed(Session session, String map) {
        return ((KeyedMap) session.collection().map(map).orElseThrow())::lookup;
    }

    private static KernelSession inKernel(SessionRequest request) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    /** Process and thread of each call. */
    private static List<String> rows(int calls, Function<byte[], Optional<byte[]>> map) {
        List<String> rows = new ArrayList<>();
        for (int call = 0; call < calls; call++) {
            byte[] key = ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.nativeOrder())
                    .putInt(call)
                    .array();
            ByteBuffer value = ByteBuffer.wrap(map.apply(key).orElseThrow()).order(ByteOrder.nativeOrder());
            rows.add(value.getInt(Integer.BYTES) + " " + value.getInt(0));
        }
        return rows;
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs see the kernel's clocks, also in processes whose own ones are set otherwise. */
@Tag("slow")
class ClocksTest {
    private static final List<String> CLOCKS = List.of("monotonic", "boottime", "TAI");

    /** Both programs run in the same call. Namespaces differ by hours. */
    private static final long NEAR = Duration.ofMinutes(10).toNanos();

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {"", "--time --monotonic 100000 --boottime 200000", "--time --monotonic -7200 --boottime -7200"})
    void areTheKernels(String namespaces) throws IOException {
        Path object = Path.of(AskedProgram.object(folder, "clocks"));
        String[] options = namespaces.isEmpty() ? new String[0] : namespaces.split(" ");
        try (AskedProgram program = AskedProgram.startUnshared(AskedProgram.compile(folder, "clocks"), options)) {
            SessionRequest request = Sessions.request(object, List.of(Integer.parseInt(program.pid())));
            try (Session session = Sessions.open(request, new Attacher());
                    KernelSession kernel = inKernel(request)) {
                program.answer("now");
                ArrayMap here = (ArrayMap) session.collection().map("CLOCKS").orElseThrow();
                for (int clock = 0; clock < CLOCKS.size(); clock++) {
                    long difference = here.longAt(clock) - there(kernel, clock);
                    assertThat(difference).as(CLOCKS.get(clock)).isBetween(-NEAR, NEAR);
                }
            }
        }
    }

    private static KernelSession inKernel(SessionRequest request) {
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        return ((KernelSession.Opening.Opened) opening).session();
    }

    private static long there(KernelSession kernel, int clock) {
        byte[] key = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(clock)
                .array();
        byte[] value = kernel.maps().get("CLOCKS").lookup(key).orElseThrow();
        long time = ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong();
        assertThat(time).isPositive();
        return time;
    }
}

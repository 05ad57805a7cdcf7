package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.daemon.Session;
import graft.ebpf.maps.KeyedMap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs are told the name that their thread has now. */
@Tag("slow")
class ThreadNamesTest {
    private static final int TIMES = 100;

    @TempDir
    private Path folder;

    @Test
    void callsAreCountedUnderTheNameOfTheirThread() throws IOException {
        try (Tracee tracee = new Tracee(TraceeSource.named("names").compile(folder));
                Session session = Probes.open(tracee, List.of("uprobe:work"), "by_name")) {
            tracee.run(TIMES);
            KeyedMap names = (KeyedMap) session.collection().map("names").orElseThrow();
            Map<String, Long> calls = new HashMap<>();
            for (byte[] key : names.keys()) {
                ByteBuffer count = ByteBuffer.wrap(names.lookup(key).orElseThrow());
                String name = new String(key, StandardCharsets.UTF_8).replace("\0", "");
                calls.put(name, count.order(ByteOrder.nativeOrder()).getLong());
            }
            assertThat(calls).isEqualTo(Map.of("second", 100L, "first", 100L, "exactly-15-long", 100L, "", 100L));
        }
    }
}

package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.attach.Attacher;
import graft.bridge.KernelMap;
import graft.daemon.KernelSession;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.PerfBuffers;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import graft.platform.linux.PerfEvent;
import graft.platform.linux.SharedRegion;
import graft.tests.command.Sessions;
import graft.uprobe.Probe;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same object puts the same records and losses into graft's perf buffers and into the kernel's, with the same results. Needs root. */
@Tag("slow")
class PerfBuffersOfTheKernelTest {
    private static final int PAGE = 4096;
    private static final int DATA_HEAD = 1024;
    private static final int DATA_TAIL = 1032;
    private static final int LOST = 2;
    private static final int RESULTS = 96;

    @TempDir
    private Path folder;

    @Test
    void recordsLossesAndErrorsAreTheKernels() throws IOException {
        Path file = AskedProgram.compile(folder, "values", "-pthread");
        Path object = Path.of(AskedProgram.object(folder, "buffers"));
        try (AskedProgram program = AskedProgram.start(file)) {
            Probe probed = new Probe(Probe.Kind.ENTRY, "values", "probed_at", 0);
            SessionRequest request = Sessions.request(object, List.of(Integer.parseInt(program.pid())))
                    .with(List.of(new LinkRequest.Uprobe("on_probed", probed, 0)));
            List<String> kernel = inKernel(program, request);
            assertThat(kernel)
                    .contains(
                            "result 33: " + -Errno.EINVAL, "result 34: " + -Errno.EINVAL, "result 35: " + -Errno.E2BIG)
                    .contains("result 36: " + -Errno.ENOENT, "result 59: " + -Errno.ENOSPC, "result 14: 0")
                    .contains("lost 4")
                    .hasSizeGreaterThan(RESULTS + 30);
            assertThat(here(program, request)).isEqualTo(kernel);
        }
    }

    private static List<String> here(AskedProgram program, SessionRequest request) {
        try (Session session = Sessions.open(request, new Attacher())) {
            PerfBuffers buffers =
                    (PerfBuffers) session.collection().map("events").orElseThrow();
            List<SharedRegion> regions = new ArrayList<>();
            try {
                for (int cpu = 0; cpu < buffers.cpus(); cpu++) {
                    regions.add(SharedRegion.map(
                            buffers.fd(),
                            buffers.page(cpu),
                            PAGE + buffers.dataBytes(),
                            SharedRegion.Access.READ_WRITE));
                }
                KeyedMap results =
                        (KeyedMap) session.collection().map("RESULTS").orElseThrow();
                return rows(program, regions, results::lookup);
            } finally {
                regions.forEach(SharedRegion::close);
            }
        }
    }

    private static List<String> inKernel(AskedProgram program, SessionRequest request) {
        List<SharedRegion> regions = new ArrayList<>();
        List<NativeFd> events = new ArrayList<>();
        KernelSession.Opening opening = KernelSession.open(request, Map.of());
        assertThat(opening).isInstanceOf(KernelSession.Opening.Opened.class);
        try (KernelSession session = ((KernelSession.Opening.Opened) opening).session()) {
            KernelMap map = session.maps().get("events");
            for (int cpu = 0; cpu < Runtime.getRuntime().availableProcessors(); cpu++) {
                NativeFd event = PerfEvent.bpfOutput(cpu);
                events.add(event);
                regions.add(SharedRegion.map(event, PAGE + (1 << 18), SharedRegion.Access.READ_WRITE));
                map.update(bytes(cpu), bytes(event.number()), 0);
            }
            return rows(program, regions, session.maps().get("RESULTS")::lookup);
        } finally {
            regions.forEach(SharedRegion::close);
            events.forEach(NativeFd::close);
        }
    }

    private static byte[] bytes(int number) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(number)
                .array();
    }

    /** What two rounds of calls leave, each read when it is over: records of all processors, of which one has some; then the results. */
    private static List<String> rows(
            AskedProgram program, List<SharedRegion> regions, Function<byte[], Optional<byte[]>> results) {
        List<String> rows = new ArrayList<>();
        for (int round = 0; round < 2; round++) {
            program.answer("calls");
            regions.forEach(region -> drain(region.segment(), rows));
        }
        for (int i = 0; i < RESULTS; i++) {
            long result = ByteBuffer.wrap(results.apply(bytes(i)).orElseThrow())
                    .order(ByteOrder.nativeOrder())
                    .getLong();
            rows.add("result " + i + ": " + result);
        }
        return rows;
    }

    private static void drain(MemorySegment buffer, List<String> rows) {
        long size = buffer.byteSize() - PAGE;
        long head = (long) ValueLayout.JAVA_LONG.varHandle().getAcquire(buffer, (long) DATA_HEAD);
        long tail = buffer.get(ValueLayout.JAVA_LONG, DATA_TAIL);
        while (tail < head) {
            int length = Short.toUnsignedInt(buffer.get(ValueLayout.JAVA_SHORT, PAGE + (tail & size - 1) + 6));
            byte[] record = new byte[length];
            for (int i = 0; i < length; i++) {
                record[i] = buffer.get(ValueLayout.JAVA_BYTE, PAGE + (tail + i & size - 1));
            }
            rows.add(row(ByteBuffer.wrap(record).order(ByteOrder.nativeOrder())));
            tail += length;
        }
        ValueLayout.JAVA_LONG.varHandle().setRelease(buffer, (long) DATA_TAIL, tail);
    }

    /** Without the number of the kernel's event, and what makes a record's size a multiple of 8, which the kernel leaves as it was. */
    private static String row(ByteBuffer record) {
        if (record.getInt(0) == LOST) {
            return "lost " + record.getLong(16);
        }
        byte[] data = Arrays.copyOfRange(record.array(), 12, record.capacity() - 7);
        return "type %d misc %d size %d raw %d hash %d: %s"
                .formatted(
                        record.getInt(0),
                        record.getShort(4),
                        record.capacity(),
                        record.getInt(8),
                        Arrays.hashCode(data),
                        HexFormat.of().formatHex(data, 0, Math.min(data.length, 24)));
    }
}

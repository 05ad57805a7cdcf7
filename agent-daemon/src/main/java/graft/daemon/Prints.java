package graft.daemon;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingLosses;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.platform.layout.PrintLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The lines that a session's programs write with {@code bpf_trace_printk} and {@code bpf_trace_vprintk}. The kernel has a trace pipe
 * for all programs; a session has a ring of its own, when a program of it calls one of the two. One reader, as of any ring.
 */
public final class Prints {
    /** The ring. */
    public static final String MAP = ".prints";

    private static final int BYTES = 1 << 20;
    private static final Set<Integer> HELPERS = Set.of(Helper.TRACE_PRINTK.number(), Helper.TRACE_VPRINTK.number());

    /**
     * One call.
     *
     * @param nanos of the kernel's monotonic clock
     * @param tgid the process, as {@code bpf_get_current_pid_tgid} has it
     * @param tid the thread, the same
     * @param comm its name, empty when the process could not say it
     * @param text without the end of the line that the kernel adds
     */
    public record Line(long nanos, int tgid, int tid, int cpu, String comm, String text) {
        private static Line of(MemorySegment record) {
            // What a damaged target says about lengths is not believed.
            int length = Math.clamp(
                    record.get(ValueLayout.JAVA_INT, PrintLayout.LENGTH),
                    0,
                    (int) record.byteSize() - PrintLayout.SIZE);
            byte[] comm = record.asSlice(PrintLayout.COMM, PrintLayout.SIZE - PrintLayout.COMM)
                    .toArray(ValueLayout.JAVA_BYTE);
            byte[] text = record.asSlice(PrintLayout.SIZE, length).toArray(ValueLayout.JAVA_BYTE);
            return new Line(
                    record.get(ValueLayout.JAVA_LONG, PrintLayout.NANOS),
                    record.get(ValueLayout.JAVA_INT, PrintLayout.TGID),
                    record.get(ValueLayout.JAVA_INT, PrintLayout.PID),
                    record.get(ValueLayout.JAVA_INT, PrintLayout.CPU),
                    upToZero(comm),
                    upToZero(text));
        }

        private static String upToZero(byte[] bytes) {
            int end = 0;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            return new String(bytes, 0, end, StandardCharsets.UTF_8);
        }
    }

    private final RingBuffer ring;

    private Prints(RingBuffer ring) {
        this.ring = ring;
    }

    /** The request with a ring for lines, when a program that may run prints. */
    static SessionRequest expanded(SessionRequest request) {
        CollectionSpec object = request.object();
        Set<String> wanted = Stream.concat(
                        request.links().stream().map(LinkRequest::program), TailPrograms.of(object).stream())
                .collect(Collectors.toSet());
        if (object.programs().values().stream()
                .noneMatch(program -> wanted.contains(program.name()) && prints(program))) {
            return request;
        }
        Map<String, MapSpec> maps = new LinkedHashMap<>(object.maps());
        maps.put(MAP, MapSpec.of(MAP, MapType.RINGBUF, 0, 0, BYTES));
        return request.with(object.with(maps, object.programs()), request.links());
    }

    private static boolean prints(ProgSpec program) {
        return program.insns().insns().stream()
                .anyMatch(insn -> insn instanceof Insn.CallHelper(var helper) && HELPERS.contains(helper));
    }

    /** Those of a session; nothing when none of its programs can print. */
    public static Optional<Prints> of(Collection collection) {
        return collection.map(MAP).map(RingBuffer.class::cast).map(Prints::new);
    }

    /** Hands over what was printed, at most {@code limit} lines. @return how many */
    public int drain(Consumer<Line> consumer, int limit) {
        return ring.drain(
                record -> {
                    if (record.byteSize() >= PrintLayout.SIZE) {
                        consumer.accept(Line.of(record));
                    }
                },
                limit);
    }

    /** Sleeps until there is a line, at most {@code timeout}. */
    public void await(Duration timeout) {
        ring.await(timeout);
    }

    /** Ends a sleep. */
    public void wake() {
        ring.reader().wake();
    }

    /** Lines handed over so far. */
    public long delivered() {
        return ring.reader().delivered();
    }

    /** Lines that were not handed over, by cause. */
    public RingLosses losses() {
        return ring.losses();
    }
}

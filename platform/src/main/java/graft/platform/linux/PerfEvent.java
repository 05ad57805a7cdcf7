package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code linux/perf_event.h}: perf events as the attachment of eBPF programs, and as where they put records. */
public final class PerfEvent {
    private static final int TYPE_SOFTWARE = 1;
    private static final int TYPE_TRACEPOINT = 2;
    private static final long SW_BPF_OUTPUT = 10;
    private static final long SAMPLE_RAW = 1 << 10;
    private static final int ATTR_SIZE = 128;
    private static final long FLAG_DISABLED = 1;
    private static final long FLAG_CLOEXEC = 8;
    private static final long IOC_ENABLE = 0x2400;

    private PerfEvent() {}

    /** Which edge of a function. */
    public enum Edge {
        ENTRY,
        RETURN
    }

    /** Where the type's configuration has the offset of a counter ({@code format/ref_ctr_offset}). */
    private static final int COUNTER_SHIFT = 32;

    /**
     * An instruction of a file.
     *
     * @param offset of the instruction in the file
     * @param counter offset of a 16-bit counter in the file that is counted up meanwhile, or 0
     */
    public record UprobePlace(String path, long offset, long counter) {}

    /**
     * A uprobe, disabled.
     *
     * @param pmu the type number of the uprobe PMU ({@code /sys/bus/event_source/devices/uprobe/type})
     * @param pid the process it is limited to
     */
    public static NativeFd uprobe(int pmu, Edge edge, UprobePlace place, int pid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = arena.allocate(ATTR_SIZE, 8);
            attr.set(JAVA_INT, 0, pmu);
            attr.set(JAVA_INT, 4, ATTR_SIZE);
            attr.set(JAVA_LONG, 8, (edge == Edge.RETURN ? 1 : 0) | place.counter() << COUNTER_SHIFT);
            attr.set(JAVA_LONG, 40, FLAG_DISABLED);
            attr.set(JAVA_LONG, 56, arena.allocateFrom(place.path()).address());
            attr.set(JAVA_LONG, 64, place.offset());
            String what = "uprobe " + place.path() + "+0x" + Long.toHexString(place.offset()) + " of process " + pid;
            return open(attr, pid, -1, what);
        }
    }

    /**
     * A kprobe at a function of the kernel, disabled. A program attached to it runs for every process, on every CPU.
     *
     * @param pmu the type number of the kprobe PMU ({@code /sys/bus/event_source/devices/kprobe/type})
     */
    public static NativeFd kprobe(int pmu, Edge edge, String function) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = arena.allocate(ATTR_SIZE, 8);
            attr.set(JAVA_INT, 0, pmu);
            attr.set(JAVA_INT, 4, ATTR_SIZE);
            attr.set(JAVA_LONG, 8, edge == Edge.RETURN ? 1 : 0);
            attr.set(JAVA_LONG, 40, FLAG_DISABLED);
            attr.set(JAVA_LONG, 56, arena.allocateFrom(function).address());
            return open(attr, -1, 0, "kprobe at " + function);
        }
    }

    /**
     * A kernel tracepoint on one CPU, disabled. A program attached to it runs for every process, on every CPU.
     *
     * @param id the tracepoint's number in tracefs
     */
    public static NativeFd tracepoint(long id) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = arena.allocate(ATTR_SIZE, 8);
            attr.set(JAVA_INT, 0, TYPE_TRACEPOINT);
            attr.set(JAVA_INT, 4, ATTR_SIZE);
            attr.set(JAVA_LONG, 8, id);
            attr.set(JAVA_LONG, 40, FLAG_DISABLED);
            return open(attr, -1, 0, "tracepoint " + id);
        }
    }

    /** The buffer into which programs on one CPU put records ({@code PERF_COUNT_SW_BPF_OUTPUT}), enabled; to be mapped. */
    public static NativeFd bpfOutput(int cpu) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attr = arena.allocate(ATTR_SIZE, 8);
            attr.set(JAVA_INT, 0, TYPE_SOFTWARE);
            attr.set(JAVA_INT, 4, ATTR_SIZE);
            attr.set(JAVA_LONG, 8, SW_BPF_OUTPUT);
            attr.set(JAVA_LONG, 16, 1); // each record is a sample
            attr.set(JAVA_LONG, 24, SAMPLE_RAW);
            attr.set(JAVA_INT, 48, 1); // and wakes a reader
            return open(attr, -1, cpu, "records of programs on CPU " + cpu);
        }
    }

    private static NativeFd open(MemorySegment attr, int pid, int cpu, String what) {
        long fd = Syscall.PERF_EVENT_OPEN.call("opening " + what, attr.address(), pid, cpu, -1, FLAG_CLOEXEC);
        return new NativeFd((int) fd, what);
    }

    /** {@code PERF_EVENT_IOC_ENABLE}. */
    public static void enable(NativeFd event) {
        Syscall.IOCTL.call("enabling " + event, event.number(), IOC_ENABLE, 0);
    }
}

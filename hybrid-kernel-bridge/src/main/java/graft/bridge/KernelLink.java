package graft.bridge;

import graft.ebpf.object.ProgSpec;
import graft.platform.address.FileOffset;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.PerfEvent;
import graft.platform.linux.SysException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** A program that runs at a kernel event. Owns the event and the link; closing ends both. */
public final class KernelLink implements AutoCloseable {
    private static final Path UPROBE_PMU = Path.of("/sys/bus/event_source/devices/uprobe/type");

    private final Optional<NativeFd> event;
    private final NativeFd link;

    private KernelLink(Optional<NativeFd> event, NativeFd link) {
        this.event = event;
        this.link = link;
    }

    /**
     * Attaches to an instruction of a process by the kernel's own uprobes.
     *
     * @param cookie what {@code bpf_get_attach_cookie} gives
     */
    public static KernelAttach attachUprobe(KernelProg prog, UprobePoint point, long cookie) {
        String what = "kernel uprobe %s+%s of process %d".formatted(point.file(), point.offset(), point.pid());
        if (!Files.exists(UPROBE_PMU)) {
            return new KernelAttach.Refused(what, "this kernel has no uprobes", "run it in user space");
        }
        return attach(
                what,
                prog,
                cookie,
                () -> PerfEvent.uprobe(
                        pmu(),
                        point.edge(),
                        new PerfEvent.UprobePlace(
                                point.file().toString(),
                                point.offset().value(),
                                point.counter().map(FileOffset::value).orElse(0L)),
                        point.pid()));
    }

    /** How programs of a section are attached. */
    static Bpf.AttachType attachType(ProgSpec prog) {
        String section = prog.section().startsWith("?") ? prog.section().substring(1) : prog.section();
        return switch (prog.type()) {
            case UPROBE, URETPROBE ->
                section.startsWith("uprobe.multi") || section.startsWith("uretprobe.multi")
                        ? Bpf.AttachType.UPROBE_MULTI
                        : Bpf.AttachType.NONE;
            case UPROBE_SESSION -> Bpf.AttachType.UPROBE_SESSION;
            case USDT, SYSCALL_ENTER, SYSCALL_EXIT, KERNEL_TRACEPOINT, OTHER -> Bpf.AttachType.NONE;
        };
    }

    /** Whether programs of this section are attached to many places at once: {@link #attachUprobes}. */
    public static boolean isForMany(ProgSpec prog) {
        return attachType(prog) != Bpf.AttachType.NONE;
    }

    /**
     * Attaches to many instructions of one file in a process, with one link.
     *
     * @param points all of one file, one edge and one process
     * @param cookie what {@code bpf_get_attach_cookie} gives at each of them
     */
    public static KernelAttach attachUprobes(KernelProg prog, List<UprobePoint> points, long cookie) {
        UprobePoint first = points.getFirst();
        String what = "kernel uprobes at %d places of %s".formatted(points.size(), first.file());
        Bpf.UprobeMulti places = new Bpf.UprobeMulti(
                first.file().toString(),
                points.stream().mapToLong(point -> point.offset().value()).toArray(),
                new long[points.size()],
                points.stream().mapToLong(_ -> cookie).toArray(),
                first.edge(),
                first.pid());
        try {
            return new KernelAttach.Attached(
                    new KernelLink(Optional.empty(), Bpf.linkUprobeMulti(prog.fd(), attachType(prog.spec()), places)));
        } catch (SysException failed) {
            return refused(what, failed);
        }
    }

    private static int pmu() {
        try {
            return Integer.parseInt(Files.readString(UPROBE_PMU).strip());
        } catch (IOException failed) {
            throw new UncheckedIOException("reading " + UPROBE_PMU, failed);
        }
    }

    /**
     * Attaches to a kernel tracepoint: the program runs on every CPU, in the processes that its collection was loaded
     * for.
     *
     * @param category for example {@code "syscalls"}
     * @param name for example {@code "sys_enter_openat"}
     * @param cookie what {@code bpf_get_attach_cookie} gives
     */
    public static KernelAttach attachTracepoint(KernelProg prog, String category, String name, long cookie) {
        String what = "kernel tracepoint " + category + ":" + name;
        OptionalLong number;
        try {
            number = Tracefs.number(category, name);
        } catch (SysException failed) {
            return new KernelAttach.Refused(what, failed.getMessage(), "mount tracefs at /sys/kernel/tracing");
        }
        if (number.isEmpty()) {
            return new KernelAttach.Refused(
                    what, "this kernel has no such tracepoint", "see the folder events of tracefs");
        }
        return attach(what, prog, cookie, () -> PerfEvent.tracepoint(number.getAsLong()));
    }

    private static KernelAttach attach(String what, KernelProg prog, long cookie, Supplier<NativeFd> open) {
        NativeFd event;
        try {
            event = open.get();
        } catch (SysException failed) {
            return refused(what, failed);
        }
        try {
            KernelLink attached = new KernelLink(Optional.of(event), Bpf.linkPerfEvent(prog.fd(), event, cookie));
            PerfEvent.enable(event);
            return new KernelAttach.Attached(attached);
        } catch (SysException failed) {
            event.close();
            return refused(what, failed);
        }
    }

    private static KernelAttach refused(String what, SysException failed) {
        return new KernelAttach.Refused(
                what, failed.getMessage(), "check that the process lives and that graft runs as root");
    }

    /** Detaches. Safe to call twice. */
    @Override
    public void close() {
        link.close();
        event.ifPresent(NativeFd::close);
    }
}

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

    private static final Path KPROBE_PMU = Path.of("/sys/bus/event_source/devices/kprobe/type");

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
                        pmu(UPROBE_PMU),
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
            case USDT,
                    SYSCALL_ENTER,
                    SYSCALL_EXIT,
                    RAW_SYSCALL_ENTER,
                    RAW_SYSCALL_EXIT,
                    KSYSCALL,
                    KRETSYSCALL,
                    KERNEL_TRACEPOINT,
                    OTHER -> Bpf.AttachType.NONE;
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

    private static int pmu(Path file) {
        try {
            return Integer.parseInt(Files.readString(file).strip());
        } catch (IOException failed) {
            throw new UncheckedIOException("reading " + file, failed);
        }
    }

    /**
     * Attaches to a raw tracepoint of the kernel, as {@link #attachTracepoint} does.
     *
     * @param cookie what {@code bpf_get_attach_cookie} gives
     */
    public static KernelAttach attachRawTracepoint(KernelProg prog, String name, long cookie) {
        try {
            return new KernelAttach.Attached(
                    new KernelLink(Optional.empty(), Bpf.rawTracepoint(prog.fd(), name, cookie)));
        } catch (SysException failed) {
            return refused("raw tracepoint " + name, failed);
        }
    }

    /**
     * Attaches to the kernel's function of a system call, as {@link #attachTracepoint} does.
     *
     * @param call for example {@code "openat"}
     * @param cookie what {@code bpf_get_attach_cookie} gives
     */
    public static KernelAttach attachSyscall(KernelProg prog, PerfEvent.Edge edge, String call, long cookie) {
        String function = "__x64_sys_" + call;
        String what = "kernel function " + function;
        if (!Files.exists(KPROBE_PMU)) {
            return new KernelAttach.Refused(what, "this kernel has no kprobes", "run it in user space");
        }
        return attach(what, prog, cookie, () -> PerfEvent.kprobe(pmu(KPROBE_PMU), edge, function));
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

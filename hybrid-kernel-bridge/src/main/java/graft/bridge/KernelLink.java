package graft.bridge;

import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.PerfEvent;
import graft.platform.linux.SysException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** A program that runs at a kernel event. Owns the event and the link; closing ends both. */
public final class KernelLink implements AutoCloseable {
    private static final Path UPROBE_PMU = Path.of("/sys/bus/event_source/devices/uprobe/type");

    private final NativeFd event;
    private final NativeFd link;

    private KernelLink(NativeFd event, NativeFd link) {
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
                        point.file().toString(),
                        point.offset().value(),
                        point.pid()));
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
            KernelLink attached = new KernelLink(event, Bpf.linkPerfEvent(prog.fd(), event, cookie));
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
        event.close();
    }
}

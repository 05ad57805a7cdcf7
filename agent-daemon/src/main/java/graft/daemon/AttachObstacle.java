package graft.daemon;

import graft.ebpf.object.KernelSection;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.util.Optional;

/**
 * Why a program of an object cannot be attached by its section's name. It is loaded and can be verified all the same.
 *
 * @param program its name
 * @param section its section
 * @param why the reason
 * @param suggestion what to try
 */
public record AttachObstacle(String program, String section, String why, String suggestion) {
    private record Advice(String why, String suggestion) {}

    /** The obstacle, when graft knows no place for this kind of program, neither in processes nor in the kernel. */
    public static Optional<AttachObstacle> of(ProgSpec program) {
        if (program.type() != ProgType.OTHER) {
            return Optional.empty();
        }
        Advice advice = program.kernelSection()
                .map(AttachObstacle::advice)
                .orElse(new Advice("no kind of program is known by this name", elsewhere(program.name())));
        return Optional.of(new AttachObstacle(
                program.name(), program.section(), advice.why, advice.suggestion.formatted(program.name())));
    }

    /** {@code struct pt_regs} is what probes of the kernel get, too. */
    public static boolean canRunAtUprobes(ProgSpec program) {
        return switch (program.type()) {
            case UPROBE, URETPROBE, UPROBE_SESSION, USDT, KSYSCALL, KRETSYSCALL -> true;
            case SYSCALL_ENTER, SYSCALL_EXIT, RAW_SYSCALL_ENTER, RAW_SYSCALL_EXIT, KERNEL_TRACEPOINT -> false;
            case OTHER -> isKernelProbe(program);
        };
    }

    private static boolean isKernelProbe(ProgSpec program) {
        return program.kernelSection()
                .filter(section -> section.type() == KernelType.KPROBE)
                .isPresent();
    }

    private static String elsewhere(String program) {
        return "--attach " + program + "=uprobe:FILE:FUNCTION for a place in a process";
    }

    private static Advice advice(KernelSection section) {
        return switch (section.kind()) {
            case "kprobe", "kprobe.multi", "kprobe.session", "kretprobe", "kretprobe.multi" ->
                new Advice("it runs in functions of the kernel", "--attach %s=uprobe:FILE:FUNCTION, or a tracepoint");
            case "raw_tp", "raw_tracepoint", "tp_btf" ->
                section.target().startsWith("sys_")
                        ? new Advice(
                                "it gets the kernel's registers, not the call's arguments",
                                "SEC(\"raw_tp/" + section.target() + "\")")
                        : new Advice(
                                "it gets pointers into the kernel",
                                "SEC(\"tracepoint/CATEGORY/" + section.target() + "\"), which runs in the kernel");
            case "fentry", "fexit", "fmod_ret", "lsm", "freplace" ->
                new Advice("it is attached to a function of the kernel or to another program", SKELETON);
            case "iter" -> new Advice("it walks through lists of the kernel", "bpftool iter pin");
            case "perf_event" ->
                new Advice("it runs at ticks of a timer, which graft does not have", "a uprobe, or perf record");
            case "syscall" -> new Advice("it runs when it is called, not at an event", "bpftool prog run");
            default -> byType(section);
        };
    }

    private static final String SKELETON = "leave it to the program's own loader: --without %s";

    private static Advice byType(KernelSection section) {
        return switch (section.type()) {
            case SOCKET_FILTER,
                    SCHED_CLS,
                    SCHED_ACT,
                    XDP,
                    LWT_IN,
                    LWT_OUT,
                    LWT_XMIT,
                    LWT_SEG6LOCAL,
                    SK_SKB,
                    SK_MSG,
                    SK_REUSEPORT,
                    FLOW_DISSECTOR,
                    SK_LOOKUP,
                    NETFILTER,
                    SOCK_OPS -> new Advice("it runs on packets or sockets in the kernel", SKELETON);
            case CGROUP_SKB, CGROUP_SOCK, CGROUP_DEVICE, CGROUP_SOCK_ADDR, CGROUP_SYSCTL, CGROUP_SOCKOPT ->
                new Advice("it is attached to a control group", SKELETON);
            case STRUCT_OPS -> new Advice("it is a part of the kernel's own code", SKELETON);
            case KPROBE,
                    TRACEPOINT,
                    PERF_EVENT,
                    RAW_TRACEPOINT,
                    RAW_TRACEPOINT_WRITABLE,
                    LIRC_MODE2,
                    TRACING,
                    EXT,
                    LSM,
                    SYSCALL -> new Advice("it runs at events inside the kernel", SKELETON);
        };
    }
}

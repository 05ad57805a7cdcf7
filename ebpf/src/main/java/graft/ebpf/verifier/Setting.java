package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.object.KernelSection;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.ProgSpec;
import java.util.Optional;
import java.util.Set;

/**
 * What a walk knows about the program as a whole.
 *
 * @param section what the kernel makes of its section
 * @param context the context when it is not the kernel's
 * @param objectTypes types of the object
 * @param kernelTypes types of the kernel
 * @param permissions what the program may do to its process
 */
record Setting(
        ProgSpec prog,
        KernelSection section,
        Optional<ContextLayout> context,
        Optional<Btf> objectTypes,
        Optional<Btf> kernelTypes,
        Set<Permission> permissions) {
    private static final Set<String> LICENCES =
            Set.of("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL");

    /** Whether the program runs in a target process rather than in the kernel. */
    boolean isForTarget() {
        return context.isPresent();
    }

    boolean isGplCompatible() {
        return LICENCES.contains(prog.license());
    }

    KernelType type() {
        return section.type();
    }

    /** What the program may do with packets directly. */
    boolean mayWritePackets() {
        return switch (section.type()) {
            case SCHED_CLS, SCHED_ACT, XDP, LWT_XMIT, SK_SKB, SK_MSG, CGROUP_SOCKOPT -> true;
            case SOCKET_FILTER,
                    KPROBE,
                    TRACEPOINT,
                    PERF_EVENT,
                    CGROUP_SKB,
                    CGROUP_SOCK,
                    LWT_IN,
                    LWT_OUT,
                    SOCK_OPS,
                    CGROUP_DEVICE,
                    RAW_TRACEPOINT,
                    CGROUP_SOCK_ADDR,
                    LWT_SEG6LOCAL,
                    LIRC_MODE2,
                    SK_REUSEPORT,
                    FLOW_DISSECTOR,
                    CGROUP_SYSCTL,
                    RAW_TRACEPOINT_WRITABLE,
                    TRACING,
                    STRUCT_OPS,
                    EXT,
                    LSM,
                    SK_LOOKUP,
                    SYSCALL,
                    NETFILTER -> false;
        };
    }
}

package graft.ebpf.object;

import java.util.List;
import java.util.Optional;

/**
 * What the kernel makes of a program section's name, as libbpf reads it.
 *
 * @param type the program type
 * @param kind the part of the name that says what it attaches to: {@code fentry}, {@code cgroup/connect4}
 * @param target what follows: a function, a tracepoint; empty without
 * @param sleep whether the program may sleep
 */
public record KernelSection(KernelType type, String kind, String target, Sleep sleep) {
    /** Whether programs may call helpers that sleep. */
    public enum Sleep {
        NEVER,
        ALLOWED
    }

    private record Row(String name, KernelType type) {}

    /** Longer names first where one begins another. */
    private static final List<Row> ROWS = List.of(
            new Row("socket", KernelType.SOCKET_FILTER),
            new Row("sk_reuseport/migrate", KernelType.SK_REUSEPORT),
            new Row("sk_reuseport", KernelType.SK_REUSEPORT),
            new Row("kprobe.multi", KernelType.KPROBE),
            new Row("kprobe.session", KernelType.KPROBE),
            new Row("kprobe", KernelType.KPROBE),
            new Row("kretprobe.multi", KernelType.KPROBE),
            new Row("kretprobe", KernelType.KPROBE),
            new Row("ksyscall", KernelType.KPROBE),
            new Row("kretsyscall", KernelType.KPROBE),
            new Row("uprobe.multi", KernelType.KPROBE),
            new Row("uprobe.session", KernelType.KPROBE),
            new Row("uprobe", KernelType.KPROBE),
            new Row("uretprobe.multi", KernelType.KPROBE),
            new Row("uretprobe", KernelType.KPROBE),
            new Row("usdt", KernelType.KPROBE),
            new Row("tc/ingress", KernelType.SCHED_CLS),
            new Row("tc/egress", KernelType.SCHED_CLS),
            new Row("tcx/ingress", KernelType.SCHED_CLS),
            new Row("tcx/egress", KernelType.SCHED_CLS),
            new Row("netkit/primary", KernelType.SCHED_CLS),
            new Row("netkit/peer", KernelType.SCHED_CLS),
            new Row("tc", KernelType.SCHED_CLS),
            new Row("classifier", KernelType.SCHED_CLS),
            new Row("action", KernelType.SCHED_ACT),
            new Row("tracepoint", KernelType.TRACEPOINT),
            new Row("tp_btf", KernelType.TRACING),
            new Row("tp", KernelType.TRACEPOINT),
            new Row("raw_tracepoint.w", KernelType.RAW_TRACEPOINT_WRITABLE),
            new Row("raw_tp.w", KernelType.RAW_TRACEPOINT_WRITABLE),
            new Row("raw_tracepoint", KernelType.RAW_TRACEPOINT),
            new Row("raw_tp", KernelType.RAW_TRACEPOINT),
            new Row("fentry", KernelType.TRACING),
            new Row("fexit", KernelType.TRACING),
            new Row("fmod_ret", KernelType.TRACING),
            new Row("iter", KernelType.TRACING),
            new Row("freplace", KernelType.EXT),
            new Row("lsm_cgroup", KernelType.LSM),
            new Row("lsm", KernelType.LSM),
            new Row("syscall", KernelType.SYSCALL),
            new Row("xdp.frags/devmap", KernelType.XDP),
            new Row("xdp/devmap", KernelType.XDP),
            new Row("xdp.frags/cpumap", KernelType.XDP),
            new Row("xdp/cpumap", KernelType.XDP),
            new Row("xdp.frags", KernelType.XDP),
            new Row("xdp", KernelType.XDP),
            new Row("perf_event", KernelType.PERF_EVENT),
            new Row("lwt_in", KernelType.LWT_IN),
            new Row("lwt_out", KernelType.LWT_OUT),
            new Row("lwt_xmit", KernelType.LWT_XMIT),
            new Row("lwt_seg6local", KernelType.LWT_SEG6LOCAL),
            new Row("sockops", KernelType.SOCK_OPS),
            new Row("sk_skb/stream_parser", KernelType.SK_SKB),
            new Row("sk_skb/stream_verdict", KernelType.SK_SKB),
            new Row("sk_skb/verdict", KernelType.SK_SKB),
            new Row("sk_skb", KernelType.SK_SKB),
            new Row("sk_msg", KernelType.SK_MSG),
            new Row("lirc_mode2", KernelType.LIRC_MODE2),
            new Row("flow_dissector", KernelType.FLOW_DISSECTOR),
            new Row("cgroup_skb/ingress", KernelType.CGROUP_SKB),
            new Row("cgroup_skb/egress", KernelType.CGROUP_SKB),
            new Row("cgroup/skb", KernelType.CGROUP_SKB),
            new Row("cgroup/sock_create", KernelType.CGROUP_SOCK),
            new Row("cgroup/sock_release", KernelType.CGROUP_SOCK),
            new Row("cgroup/sock", KernelType.CGROUP_SOCK),
            new Row("cgroup/post_bind4", KernelType.CGROUP_SOCK),
            new Row("cgroup/post_bind6", KernelType.CGROUP_SOCK),
            new Row("cgroup/bind4", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/bind6", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/connect4", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/connect6", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/connect_unix", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/sendmsg4", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/sendmsg6", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/sendmsg_unix", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/recvmsg4", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/recvmsg6", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/recvmsg_unix", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/getpeername4", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/getpeername6", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/getpeername_unix", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/getsockname4", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/getsockname6", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/getsockname_unix", KernelType.CGROUP_SOCK_ADDR),
            new Row("cgroup/sysctl", KernelType.CGROUP_SYSCTL),
            new Row("cgroup/getsockopt", KernelType.CGROUP_SOCKOPT),
            new Row("cgroup/setsockopt", KernelType.CGROUP_SOCKOPT),
            new Row("cgroup/dev", KernelType.CGROUP_DEVICE),
            new Row("struct_ops.link", KernelType.STRUCT_OPS),
            new Row("struct_ops", KernelType.STRUCT_OPS),
            new Row("sk_lookup", KernelType.SK_LOOKUP),
            new Row("netfilter", KernelType.NETFILTER));

    /** What a section's name means; nothing for a name that libbpf does not know. */
    public static Optional<KernelSection> of(String section) {
        String name = section.startsWith("?") ? section.substring(1) : section;
        for (Row row : ROWS) {
            for (String suffix : List.of("", ".s")) {
                String kind = row.name + suffix;
                if (name.equals(kind) || name.startsWith(kind + "/") || name.startsWith(kind + "+")) {
                    String target = name.length() > kind.length() ? name.substring(kind.length() + 1) : "";
                    Sleep sleep = !suffix.isEmpty() || row.type == KernelType.SYSCALL ? Sleep.ALLOWED : Sleep.NEVER;
                    return Optional.of(new KernelSection(row.type, row.name, target, sleep));
                }
            }
        }
        return Optional.empty();
    }
}

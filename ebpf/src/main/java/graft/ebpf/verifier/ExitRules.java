package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.object.KernelSection;
import graft.ebpf.object.KernelType;
import java.util.Optional;
import java.util.Set;

/** What a program may return, by its type. */
final class ExitRules {
    private static final Set<String> ALWAYS_ONE = Set.of(
            "cgroup/recvmsg4",
            "cgroup/recvmsg6",
            "cgroup/recvmsg_unix",
            "cgroup/getpeername4",
            "cgroup/getpeername6",
            "cgroup/getpeername_unix",
            "cgroup/getsockname4",
            "cgroup/getsockname6",
            "cgroup/getsockname_unix");

    private ExitRules() {}

    private record Results(long least, long most) {}

    static void check(Step step) {
        if (step.state.readLocks() != 0 || step.state.preemptLocks() != 0) {
            throw new Refused(Finding.of(
                    Cause.BAD_LOCK,
                    "the program ends inside a read lock or with preemption disabled",
                    "leave it first"));
        }
        Value result = step.read(Reg.R0);
        if (step.walk.isGlobalFunction()) {
            requireNumber(step, result, "but a global function returns a number");
            return;
        }
        Setting setting = step.walk.setting();
        if (setting.isForTarget()) {
            requireNumber(step, result, "but a program returns a number");
            return;
        }
        Optional<Results> allowed = allowed(setting.section());
        if (allowed.isPresent()) {
            Scalar number = requireNumber(step, result, "but a program of this type returns a number");
            number.mustBePrecise();
            if (number.wide().smin() < allowed.get().least()
                    || number.wide().smax() > allowed.get().most()) {
                throw new Refused(Finding.of(
                        Cause.BAD_RETURN,
                        Reg.R0,
                        "the program returns %s, but programs of this type return %d to %d"
                                .formatted(
                                        Texts.interval(
                                                number.wide().smin(),
                                                number.wide().smax()),
                                        allowed.get().least(),
                                        allowed.get().most()),
                        "return one of these numbers"));
            }
        }
    }

    /** Whether the system call fails with what the program says, so that it can look at it and change it. */
    static boolean hasResultOfItsOwn(KernelSection section) {
        return !ALWAYS_ONE.contains(section.kind())
                && section.type() != KernelType.CGROUP_SKB
                && section.type() != KernelType.SOCK_OPS;
    }

    private static Scalar requireNumber(Step step, Value result, String use) {
        step.require(new Obligation.IsNumber(Reg.R0, result, Cause.BAD_RETURN, use));
        return (Scalar) result;
    }

    private static Optional<Results> allowed(KernelSection section) {
        Results bit = new Results(0, 1);
        return switch (section.type()) {
            case CGROUP_SOCK_ADDR -> {
                boolean one = ALWAYS_ONE.contains(section.kind());
                boolean bind =
                        section.kind().equals("cgroup/bind4") || section.kind().equals("cgroup/bind6");
                yield Optional.of(new Results(one ? 1 : 0, bind ? 3 : 1));
            }
            case CGROUP_SKB -> Optional.of(section.kind().equals("cgroup_skb/egress") ? new Results(0, 3) : bit);
            case CGROUP_SOCK, SOCK_OPS, CGROUP_DEVICE, CGROUP_SYSCTL, CGROUP_SOCKOPT, SK_LOOKUP, NETFILTER ->
                Optional.of(bit);
            case TRACING ->
                switch (section.kind()) {
                    case "fentry", "fexit" -> Optional.of(new Results(0, 0));
                    case "iter" -> Optional.of(bit);
                    default -> Optional.empty();
                };
            case KPROBE -> section.kind().endsWith(".session") ? Optional.of(bit) : Optional.empty();
            case SOCKET_FILTER,
                    SCHED_CLS,
                    SCHED_ACT,
                    TRACEPOINT,
                    XDP,
                    PERF_EVENT,
                    LWT_IN,
                    LWT_OUT,
                    LWT_XMIT,
                    SK_SKB,
                    SK_MSG,
                    RAW_TRACEPOINT,
                    LWT_SEG6LOCAL,
                    LIRC_MODE2,
                    SK_REUSEPORT,
                    FLOW_DISSECTOR,
                    RAW_TRACEPOINT_WRITABLE,
                    STRUCT_OPS,
                    EXT,
                    LSM,
                    SYSCALL -> Optional.empty();
        };
    }
}

package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.SpecialField;

/** Spin locks of map values: one at a time, the same one, and nothing else called in between. */
final class LockRules {
    static final int NONE = 0;
    private static final int UNLOCK = 94;

    private LockRules() {}

    /** A lock by its map and the value it is in. */
    static int name(Pointer pointer) {
        Value.Region.MapValue value = (Value.Region.MapValue) pointer.region();
        return value.identity() != 0
                ? value.identity()
                : -1 - Math.floorMod(value.map().name().hashCode(), 1 << 30);
    }

    static void take(Step step, Reg reg, Pointer pointer) {
        if (step.state.lock() != NONE) {
            throw bad(reg, "a spin lock is taken while another is held");
        }
        step.state.lock(name(pointer));
    }

    static void give(Step step, Reg reg, Pointer pointer) {
        if (step.state.lock() == NONE) {
            throw bad(reg, "a spin lock is left that is not held");
        }
        if (step.state.lock() != name(pointer)) {
            throw bad(reg, "another spin lock is left than the one that is held");
        }
        step.state.lock(NONE);
    }

    /** Called after the arguments: the call that takes the lock has taken it. */
    static void beforeHelper(Step step, Prototype prototype) {
        boolean takes = prototype.number() == UNLOCK - 1 || prototype.number() == UNLOCK;
        if (step.state.lock() != NONE && !takes) {
            throw held("functions cannot be called while a spin lock is held");
        }
    }

    static void requireNone(AbstractState state, String what) {
        if (state.lock() != NONE) {
            throw held(what);
        }
    }

    /** Programs of some types cannot have locks and timers in their maps. */
    static void requireAllowed(Step step, MapSpec map) {
        if (step.walk.setting().isForTarget()) {
            requireInTarget(step, map);
            return;
        }
        for (SpecialField field : step.walk.specialFields(map)) {
            boolean lock = field.kind() == SpecialField.Kind.SPIN_LOCK
                    || field.kind() == SpecialField.Kind.RESILIENT_SPIN_LOCK;
            boolean timer = field.kind() == SpecialField.Kind.TIMER || field.kind() == SpecialField.Kind.WORK_QUEUE;
            boolean allowed = switch (step.walk.setting().type()) {
                case KPROBE, TRACEPOINT, PERF_EVENT, RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE -> !lock && !timer;
                case SOCKET_FILTER -> !lock;
                case SCHED_CLS,
                        SCHED_ACT,
                        XDP,
                        CGROUP_SKB,
                        CGROUP_SOCK,
                        LWT_IN,
                        LWT_OUT,
                        LWT_XMIT,
                        SOCK_OPS,
                        SK_SKB,
                        CGROUP_DEVICE,
                        SK_MSG,
                        CGROUP_SOCK_ADDR,
                        LWT_SEG6LOCAL,
                        LIRC_MODE2,
                        SK_REUSEPORT,
                        FLOW_DISSECTOR,
                        CGROUP_SYSCTL,
                        CGROUP_SOCKOPT,
                        TRACING,
                        STRUCT_OPS,
                        EXT,
                        LSM,
                        SK_LOOKUP,
                        SYSCALL,
                        NETFILTER -> true;
            };
            if (!allowed) {
                throw held(
                        "programs of this type cannot use map " + map.name() + ", whose values have locks or timers");
            }
        }
    }

    /** In a process there are spin locks, and timers whose functions the daemon runs. What frees an object is the kernel. */
    private static void requireInTarget(Step step, MapSpec map) {
        for (SpecialField field : step.walk.specialFields(map)) {
            if (field.kind() != SpecialField.Kind.SPIN_LOCK && field.kind() != SpecialField.Kind.TIMER) {
                throw new Refused(Finding.of(
                        Cause.UNSUPPORTED,
                        "values of map %s have a %s, which graft does not have in processes"
                                .formatted(map.name(), field.text()),
                        "run the program in the kernel, or leave the field out"));
            }
        }
    }

    private static Refused held(String why) {
        return new Refused(Finding.of(Cause.BAD_LOCK, why, "leave the lock first"));
    }

    private static Refused bad(Reg reg, String why) {
        return new Refused(Finding.of(Cause.BAD_LOCK, reg, why, "take and leave one lock at a time"));
    }
}

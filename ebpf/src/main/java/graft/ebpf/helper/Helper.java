package graft.ebpf.helper;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The helpers that graft offers to programs, under the kernel's numbers (include/uapi/linux/bpf.h). The in-target
 * agent exports them as {@code graft_helper_<name>}, but for those that the compiler always writes in place. Functions that the
 * kernel lets programs call by name are here as well, under numbers of graft's own that no call instruction can carry.
 */
public enum Helper {
    MAP_LOOKUP_ELEM(1, 2),
    MAP_UPDATE_ELEM(2, 4),
    MAP_DELETE_ELEM(3, 2),
    PROBE_READ(4, 3),
    KTIME_GET_NS(5, 0),
    TRACE_PRINTK(6, 5),
    GET_PRANDOM_U32(7, 0),
    GET_SMP_PROCESSOR_ID(8, 0),
    TAIL_CALL(12, 3),
    GET_CURRENT_PID_TGID(14, 0),
    GET_CURRENT_UID_GID(15, 0),
    GET_CURRENT_COMM(16, 2),
    GET_CGROUP_CLASSID(17, 1),
    PERF_EVENT_OUTPUT(25, 5),
    GET_STACKID(27, 3),
    GET_CURRENT_TASK(35, 0),
    PROBE_WRITE_USER(36, 3),
    CURRENT_TASK_UNDER_CGROUP(37, 2),
    GET_NUMA_NODE_ID(42, 0),
    PROBE_READ_STR(45, 3),
    OVERRIDE_RETURN(58, 2),
    GET_STACK(67, 4),
    GET_CURRENT_CGROUP_ID(80, 0),
    MAP_PUSH_ELEM(87, 3),
    MAP_POP_ELEM(88, 2),
    MAP_PEEK_ELEM(89, 2),
    SPIN_LOCK(93, 1),
    SPIN_UNLOCK(94, 1),
    STRTOL(105, 4),
    STRTOUL(106, 4),
    SEND_SIGNAL(109, 1),
    PROBE_READ_USER(112, 3),
    PROBE_READ_KERNEL(113, 3),
    PROBE_READ_USER_STR(114, 3),
    PROBE_READ_KERNEL_STR(115, 3),
    SEND_SIGNAL_THREAD(117, 1),
    GET_NS_CURRENT_PID_TGID(120, 4),
    GET_CURRENT_ANCESTOR_CGROUP_ID(123, 1),
    KTIME_GET_BOOT_NS(125, 0),
    RINGBUF_OUTPUT(130, 4),
    RINGBUF_RESERVE(131, 3),
    RINGBUF_SUBMIT(132, 2),
    RINGBUF_DISCARD(133, 2),
    RINGBUF_QUERY(134, 2),
    COPY_FROM_USER(148, 3),
    TASK_STORAGE_GET(156, 4),
    TASK_STORAGE_DELETE(157, 2),
    GET_CURRENT_TASK_BTF(158, 0),
    FOR_EACH_MAP_ELEM(164, 4),
    SNPRINTF(165, 5),
    TIMER_INIT(169, 3),
    TIMER_SET_CALLBACK(170, 2),
    TIMER_START(171, 3),
    TIMER_CANCEL(172, 1),
    GET_FUNC_IP(173, 1),
    GET_ATTACH_COOKIE(174, 1),
    TRACE_VPRINTK(177, 4),
    LOOP(181, 4),
    STRNCMP(182, 3),
    COPY_FROM_USER_TASK(191, 5),
    MAP_LOOKUP_PERCPU_ELEM(195, 3),
    DYNPTR_FROM_MEM(197, 4),
    RINGBUF_RESERVE_DYNPTR(198, 4),
    RINGBUF_SUBMIT_DYNPTR(199, 2),
    RINGBUF_DISCARD_DYNPTR(200, 2),
    DYNPTR_READ(201, 5),
    DYNPTR_WRITE(202, 5),
    DYNPTR_DATA(203, 3),
    KTIME_GET_TAI_NS(208, 0),
    USER_RINGBUF_DRAIN(209, 4),

    /** Graft's own, and in no kernel: the agent makes no system call in this process any more. */
    CONFINE(0x10000, 0),

    /** Graft's own: the thread sleeps for so many nanoseconds, or until probes end. */
    DELAY(0x10001, 1),

    /** Graft's own: makes a system call with some arguments, those of a mask replaced by one address. */
    MAKE_CALL(0x10002, 5),

    /** Graft's own: a storage of tasks forgets the thread, which begins or ends. */
    FORGET_TASK(0x10003, 1),

    /** Graft's own, called by compiled code and by no program: sends the signals that a run has noted. */
    SEND_NOTED_SIGNALS(0x10004, 1),

    DYNPTR_ADJUST(0x20000, 3),
    DYNPTR_IS_NULL(0x20001, 1),
    DYNPTR_IS_RDONLY(0x20002, 1),
    DYNPTR_SIZE(0x20003, 1),
    DYNPTR_CLONE(0x20004, 2),
    DYNPTR_SLICE(0x20005, 4),
    DYNPTR_SLICE_RDWR(0x20006, 4),
    ITER_NUM_NEW(0x20007, 3),
    ITER_NUM_NEXT(0x20008, 1),
    ITER_NUM_DESTROY(0x20009, 1),
    STRCASECMP(0x2000a, 2),
    STRCHR(0x2000b, 2),
    STRCHRNUL(0x2000c, 2),
    STRCMP(0x2000d, 2),
    STRCSPN(0x2000e, 2),
    STRLEN(0x2000f, 1),
    STRNCHR(0x20010, 3),
    STRNLEN(0x20011, 2),
    STRNSTR(0x20012, 3),
    STRRCHR(0x20013, 2),
    STRSPN(0x20014, 2),
    STRSTR(0x20015, 2),
    ARENA_ALLOC_PAGES(0x20016, 5),
    ARENA_FREE_PAGES(0x20017, 3),
    ARENA_RESERVE_PAGES(0x20018, 3);

    private static final int FIRST_FUNCTION = 0x20000;

    private static final Map<Integer, Helper> BY_NUMBER = new HashMap<>();
    private static final Map<String, Helper> BY_TEXT = new HashMap<>();
    private static final Map<String, Helper> FUNCTIONS = new HashMap<>();

    static {
        for (Helper helper : values()) {
            if (helper.isFunction()) {
                FUNCTIONS.put(helper.text(), helper);
            } else {
                BY_NUMBER.put(helper.number, helper);
                BY_TEXT.put(helper.text(), helper);
            }
        }
    }

    private final int number;
    private final int parameters;

    Helper(int number, int parameters) {
        this.number = number;
        this.parameters = parameters;
    }

    /** The kernel's number, as a call instruction carries it, or one of graft's own. */
    public int number() {
        return number;
    }

    /** Whether programs call it by name, as a function of the kernel. */
    public boolean isFunction() {
        return number >= FIRST_FUNCTION;
    }

    /** Whether it calls a function of the program, which may know addresses in the frame of the helper's caller. */
    public boolean callsBack() {
        return this == LOOP || this == FOR_EACH_MAP_ELEM || this == USER_RINGBUF_DRAIN;
    }

    /** Whether it sends a signal when the run has ended, and notes it until then. */
    public boolean notesSignal() {
        return this == SEND_SIGNAL || this == SEND_SIGNAL_THREAD;
    }

    /** Whether it walks the stack of the thread. */
    public boolean walksStack() {
        return this == GET_STACKID || this == GET_STACK;
    }

    /** Whether it gives a {@code struct task_struct}. */
    public boolean givesTask() {
        return this == GET_CURRENT_TASK || this == GET_CURRENT_TASK_BTF;
    }

    /** Whether it tells of the control group that the thread is in. */
    public boolean tellsGroup() {
        return switch (this) {
            case GET_CGROUP_CLASSID, CURRENT_TASK_UNDER_CGROUP, GET_CURRENT_CGROUP_ID, GET_CURRENT_ANCESTOR_CGROUP_ID ->
                true;
            default -> false;
        };
    }

    /** Whether it reads where nothing may be, in the kernel of its memory. */
    public boolean readsKernel() {
        return switch (this) {
            case PROBE_READ, PROBE_READ_STR, PROBE_READ_KERNEL, PROBE_READ_KERNEL_STR -> true;
            default -> false;
        };
    }

    /** How many of r1 to r5 it takes. */
    public int parameters() {
        return parameters;
    }

    /** The agent's symbol for this helper. */
    public String agentSymbol() {
        return "graft_helper_" + name().toLowerCase(java.util.Locale.ROOT);
    }

    /** The kernel's name, as programs call it. */
    public String text() {
        return "bpf_" + name().toLowerCase(java.util.Locale.ROOT);
    }

    /** The helper that programs call by {@code text}, or nothing when graft does not offer it. */
    public static Optional<Helper> named(String text) {
        return Optional.ofNullable(BY_TEXT.get(text));
    }

    /** The function of the kernel that graft offers under its name, or nothing. */
    public static Optional<Helper> function(String name) {
        return Optional.ofNullable(FUNCTIONS.get(name));
    }

    /** The helper with a kernel number, or nothing when graft does not offer it. */
    public static Optional<Helper> byNumber(int number) {
        return Optional.ofNullable(BY_NUMBER.get(number));
    }
}

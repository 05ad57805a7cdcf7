package graft.daemon.image;

import graft.attach.AgentSyscall;
import graft.ebpf.helper.Helper;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.proc.CpuFlags;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Which system calls the helpers of some programs may make in a target, by what is known of the target. */
final class AgentCalls {
    /** {@code MAKE_CALL} makes the calls of the process itself. */
    private static final Set<Helper> MAKE_NONE = EnumSet.of(
            Helper.MAP_LOOKUP_ELEM,
            Helper.MAP_LOOKUP_PERCPU_ELEM,
            Helper.STRTOL,
            Helper.STRTOUL,
            Helper.GET_PRANDOM_U32,
            Helper.RINGBUF_QUERY,
            Helper.GET_FUNC_IP,
            Helper.OVERRIDE_RETURN,
            Helper.GET_ATTACH_COOKIE,
            Helper.FOR_EACH_MAP_ELEM,
            Helper.LOOP,
            Helper.TAIL_CALL,
            Helper.STRNCMP,
            Helper.TIMER_INIT,
            Helper.TIMER_SET_CALLBACK,
            Helper.DYNPTR_FROM_MEM,
            Helper.DYNPTR_READ,
            Helper.DYNPTR_WRITE,
            Helper.DYNPTR_DATA,
            Helper.DYNPTR_ADJUST,
            Helper.DYNPTR_IS_NULL,
            Helper.DYNPTR_IS_RDONLY,
            Helper.DYNPTR_SIZE,
            Helper.DYNPTR_CLONE,
            Helper.DYNPTR_SLICE,
            Helper.DYNPTR_SLICE_RDWR,
            Helper.ITER_NUM_NEW,
            Helper.ITER_NUM_NEXT,
            Helper.ITER_NUM_DESTROY,
            Helper.CONFINE,
            Helper.MAKE_CALL);

    private static final Set<AgentSyscall> SENDING = EnumSet.of(
            AgentSyscall.GETPID,
            AgentSyscall.GETTID,
            AgentSyscall.RT_SIGPROCMASK,
            AgentSyscall.RT_SIGQUEUEINFO,
            AgentSyscall.RT_TGSIGQUEUEINFO);

    /** They read memory, and make no other calls. */
    private static final Set<Helper> READ = EnumSet.of(
            Helper.PROBE_READ,
            Helper.PROBE_READ_STR,
            Helper.PROBE_READ_USER,
            Helper.PROBE_READ_USER_STR,
            Helper.PROBE_READ_KERNEL,
            Helper.PROBE_READ_KERNEL_STR,
            Helper.COPY_FROM_USER,
            Helper.COPY_FROM_USER_TASK,
            Helper.SNPRINTF,
            Helper.GET_STACK,
            Helper.STRCASECMP,
            Helper.STRCHR,
            Helper.STRCHRNUL,
            Helper.STRCMP,
            Helper.STRCSPN,
            Helper.STRLEN,
            Helper.STRNCHR,
            Helper.STRNLEN,
            Helper.STRNSTR,
            Helper.STRRCHR,
            Helper.STRSPN,
            Helper.STRSTR);

    private final TargetEnvironment environment;
    private final Set<AgentSyscall> calls = EnumSet.noneOf(AgentSyscall.class);

    AgentCalls(TargetEnvironment environment) {
        this.environment = environment;
    }

    static Set<AgentSyscall> of(
            TargetEnvironment environment, Collection<CheckedProgram> programs, Collection<BpfMap> maps) {
        return of(
                environment,
                programs.stream()
                        .flatMap(program -> program.facts().helpers().stream())
                        .collect(Collectors.toSet()),
                maps.stream().map(BpfMap::spec).toList());
    }

    /** Of programs that call {@code helpers}, with {@code maps}. */
    static Set<AgentSyscall> of(TargetEnvironment environment, Set<Helper> helpers, List<MapSpec> maps) {
        AgentCalls calls = new AgentCalls(environment);
        List<MapSpec> specs = maps.stream().map(map -> map.inner().orElse(map)).toList();
        boolean perCpu = specs.stream().map(MapSpec::type).anyMatch(MapType::isPerProcessor);
        boolean locks = specs.stream().anyMatch(spec -> spec.lock().isPresent());
        boolean tries = specs.stream().anyMatch(spec -> spec.type() == MapType.LPM_TRIE);
        for (Helper helper : helpers) {
            calls.add(helper);
            if (perCpu && isMapAccess(helper)) {
                calls.processor();
            }
            if (locks && helper == Helper.MAP_UPDATE_ELEM) {
                calls.add(Helper.SPIN_LOCK);
            }
            if (tries && helper == Helper.MAP_LOOKUP_ELEM) {
                calls.lock(); // when changes disturb the lookup
            }
        }
        return calls.calls;
    }

    private static boolean isMapAccess(Helper helper) {
        return switch (helper) {
            case MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, FOR_EACH_MAP_ELEM -> true;
            default -> false; // no value of this processor
        };
    }

    void add(Helper helper) {
        switch (helper) {
            case PROBE_WRITE_USER -> {
                calls.add(AgentSyscall.PROCESS_VM_WRITEV);
                threadId();
            }
            case GET_STACKID -> {
                read();
                lock();
            }
            case MAP_UPDATE_ELEM, MAP_DELETE_ELEM, TASK_STORAGE_DELETE -> change();
            case MAP_PUSH_ELEM, MAP_POP_ELEM, MAP_PEEK_ELEM -> lock();
            case GET_CURRENT_TASK, GET_CURRENT_TASK_BTF -> task();
            case TASK_STORAGE_GET, FORGET_TASK -> storage(helper);
            case PERF_EVENT_OUTPUT -> {
                lock();
                processor();
            }
            case TRACE_PRINTK, TRACE_VPRINTK -> print();
            case RINGBUF_OUTPUT, RINGBUF_RESERVE, RINGBUF_RESERVE_DYNPTR, USER_RINGBUF_DRAIN -> lock();
            case RINGBUF_SUBMIT, RINGBUF_DISCARD, RINGBUF_SUBMIT_DYNPTR, RINGBUF_DISCARD_DYNPTR, TIMER_CANCEL ->
                calls.add(AgentSyscall.FUTEX);
            case GET_CURRENT_PID_TGID, GET_NS_CURRENT_PID_TGID -> currentThread();
            case GET_CURRENT_UID_GID -> calls.addAll(EnumSet.of(AgentSyscall.GETUID, AgentSyscall.GETGID));
            case GET_CURRENT_COMM -> calls.add(AgentSyscall.PRCTL);
            case GET_SMP_PROCESSOR_ID -> processor();
            case GET_NUMA_NODE_ID -> processor();
            case KTIME_GET_NS, KTIME_GET_BOOT_NS, KTIME_GET_TAI_NS -> clock();
            case SPIN_LOCK -> {
                lock();
                clock();
                calls.add(AgentSyscall.PROCESS_VM_READV);
            }
            case ARENA_ALLOC_PAGES, ARENA_FREE_PAGES, ARENA_RESERVE_PAGES -> pages();
            case SPIN_UNLOCK -> threadId();
            case TIMER_START -> startTimer();
            case SEND_SIGNAL, SEND_SIGNAL_THREAD, SEND_NOTED_SIGNALS -> send();
            case DELAY -> {
                clock();
                calls.add(AgentSyscall.CLOCK_NANOSLEEP);
            }
            default -> {
                if (READ.contains(helper)) {
                    read();
                } else if (helper.tellsGroup()) {
                    group();
                } else if (!MAKE_NONE.contains(helper)) {
                    throw new AssertionError("nobody has said which system calls " + helper + " makes");
                }
            }
        }
    }

    /** The text, and a record of who prints it. */
    private void print() {
        read();
        lock();
        currentThread();
        processor();
        clock();
        calls.add(AgentSyscall.PRCTL);
    }

    private void read() {
        calls.add(AgentSyscall.PROCESS_VM_READV);
        threadId();
        if (environment.singleThreaded().isPresent()) {
            calls.add(AgentSyscall.RT_SIGPROCMASK);
            calls.add(AgentSyscall.MADVISE);
        }
    }

    /** An owner that has lost its processor is waited for. */
    private void lock() {
        calls.add(AgentSyscall.SCHED_YIELD);
        calls.add(AgentSyscall.FUTEX);
        threadId();
    }

    /** Hashes have unused elements for each processor. */
    private void change() {
        lock();
        processor();
    }

    private void pages() {
        lock();
        calls.add(AgentSyscall.MADVISE);
    }

    private void send() {
        threadId();
        calls.addAll(SENDING);
    }

    private void threadId() {
        if (environment.children() == ForkedChildren.FOLLOWED) {
            calls.add(AgentSyscall.GETPID);
        }
        if (environment.asksForParents()) {
            calls.add(AgentSyscall.GETPPID);
        }
        if (environment.ownTgid().isPresent()) {
            calls.add(AgentSyscall.FUTEX);
        }
        if (environment.tidOffset().isEmpty()) {
            calls.add(AgentSyscall.GETTID);
        }
    }

    private void startTimer() {
        clock();
        calls.add(AgentSyscall.FUTEX);
    }

    private void storage(Helper helper) {
        change();
        if (helper == Helper.TASK_STORAGE_GET) {
            clock();
        } else {
            calls.add(AgentSyscall.GETTID);
        }
    }

    private void currentThread() {
        threadId();
        if (environment.children() == ForkedChildren.FOLLOWED) {
            calls.add(AgentSyscall.GETTID); // a child of vfork has its parent's thread pointer
        }
    }

    private void task() {
        currentThread();
        calls.add(AgentSyscall.GETPPID); // reading what it gives
        calls.add(AgentSyscall.PRCTL);
    }

    private void group() {
        currentThread();
        calls.add(AgentSyscall.FUTEX);
    }

    /** Also where threads have areas of rseq: the kernel may have registered none, for want of the call. */
    private void processor() {
        if (!CpuFlags.ofThisMachine().has("rdpid")) {
            calls.add(AgentSyscall.GETCPU);
        }
    }

    private void clock() {
        if (environment.clockGettime().isEmpty()) {
            calls.add(AgentSyscall.CLOCK_GETTIME);
        }
    }
}

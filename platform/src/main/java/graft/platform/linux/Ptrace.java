package graft.platform.linux;

import java.lang.foreign.MemorySegment;

/**
 * {@code sys/ptrace.h} for x86-64. Every request but {@link #seize} works only on the OS thread that seized, and only
 * while the tracee is stopped unless said otherwise. A tracee that died meanwhile gives {@link SysException} with
 * {@code ESRCH}.
 */
public final class Ptrace {
    /** {@code PTRACE_O_TRACEEXEC}: a successful execve stops with {@link WaitStatus#EVENT_EXEC}. */
    public static final long O_TRACEEXEC = 0x10;

    /** {@code PTRACE_O_TRACESYSGOOD}: system call stops report {@code SIGTRAP | 0x80}. */
    public static final long O_TRACESYSGOOD = 0x1;

    /** {@code PTRACE_O_TRACECLONE}: new threads are seized by the kernel. */
    public static final long O_TRACECLONE = 0x8;

    /** {@code PTRACE_O_EXITKILL}: the tracee dies with its tracer. */
    public static final long O_EXITKILL = 0x100000;

    /** {@code PTRACE_O_SUSPEND_SECCOMP}: filters do not apply while traced; needs CAP_SYS_ADMIN. */
    public static final long O_SUSPEND_SECCOMP = 0x200000;

    private static final int CONT = 7;
    private static final int GETREGS = 12;
    private static final int SETREGS = 13;
    private static final int DETACH = 17;
    private static final int SYSCALL = 24;
    private static final int GETEVENTMSG = 0x4201;
    private static final int SEIZE = 0x4206;
    private static final int INTERRUPT = 0x4207;
    private static final int LISTEN = 0x4208;
    private static final int GETSIGMASK = 0x420a;
    private static final int SETSIGMASK = 0x420b;
    private static final int SECCOMP_GET_FILTER = 0x420c;
    private static final int GET_RSEQ_CONFIGURATION = 0x420f;
    private static final long SIGSET_SIZE = 8;

    /** Size of {@code struct ptrace_rseq_configuration}. */
    public static final long RSEQ_CONFIGURATION_SIZE = 24;

    private Ptrace() {}

    /** Becomes the tracer of thread {@code tid} without stopping it. */
    public static void seize(int tid, long options) {
        request(SEIZE, tid, 0, MemorySegment.ofAddress(options), "ptrace(PTRACE_SEIZE)", "seizing thread ");
    }

    /** Asks a running tracee to stop; the stop is reported by {@link Waitpid}. */
    public static void interrupt(int tid) {
        request(INTERRUPT, tid, 0, MemorySegment.NULL, "ptrace(PTRACE_INTERRUPT)", "interrupting thread ");
    }

    /** Resumes; {@code signal} is delivered first when it is not 0. */
    public static void cont(int tid, int signal) {
        request(CONT, tid, 0, MemorySegment.ofAddress(signal), "ptrace(PTRACE_CONT)", "resuming thread ");
    }

    /** Resumes until the next entry or exit of a system call. */
    public static void syscall(int tid, int signal) {
        request(SYSCALL, tid, 0, MemorySegment.ofAddress(signal), "ptrace(PTRACE_SYSCALL)", "resuming thread ");
    }

    /** Leaves a group-stopped tracee stopped, but listening for events. */
    public static void listen(int tid) {
        request(LISTEN, tid, 0, MemorySegment.NULL, "ptrace(PTRACE_LISTEN)", "listening to thread ");
    }

    /** Ends the tracing and lets the thread run; {@code signal} is delivered first when it is not 0. */
    public static void detach(int tid, int signal) {
        request(DETACH, tid, 0, MemorySegment.ofAddress(signal), "ptrace(PTRACE_DETACH)", "detaching from thread ");
    }

    /** Reads all general registers into {@code regs} ({@link UserRegs#SIZE} bytes). */
    public static void getRegs(int tid, MemorySegment regs) {
        request(GETREGS, tid, 0, regs, "ptrace(PTRACE_GETREGS)", "reading registers of thread ");
    }

    /** Writes all general registers from {@code regs}. */
    public static void setRegs(int tid, MemorySegment regs) {
        request(SETREGS, tid, 0, regs, "ptrace(PTRACE_SETREGS)", "writing registers of thread ");
    }

    /** Reads the thread's blocked signals (the mask it had before a call such as {@code ppoll} replaced it). */
    public static void getSigMask(int tid, MemorySegment mask) {
        request(GETSIGMASK, tid, SIGSET_SIZE, mask, "ptrace(PTRACE_GETSIGMASK)", "reading signal mask of thread ");
    }

    /** Replaces the thread's blocked signals. */
    public static void setSigMask(int tid, MemorySegment mask) {
        request(SETSIGMASK, tid, SIGSET_SIZE, mask, "ptrace(PTRACE_SETSIGMASK)", "writing signal mask of thread ");
    }

    /** Writes the message of the last ptrace event into {@code message} (8 bytes). */
    public static void getEventMsg(int tid, MemorySegment message) {
        request(GETEVENTMSG, tid, 0, message, "ptrace(PTRACE_GETEVENTMSG)", "reading event of thread ");
    }

    /** Reads where the thread's rseq area is; the first word of {@code configuration} is 0 when it has none. */
    public static void getRseqConfiguration(int tid, MemorySegment configuration) {
        request(
                GET_RSEQ_CONFIGURATION,
                tid,
                RSEQ_CONFIGURATION_SIZE,
                configuration,
                "ptrace(PTRACE_GET_RSEQ_CONFIGURATION)",
                "reading rseq area of thread ");
    }

    /**
     * Reads the seccomp filter number {@code index} of a stopped thread, the latest first: 8 bytes an instruction. Needs
     * CAP_SYS_ADMIN. @return how many instructions it has; with {@link MemorySegment#NULL} nothing is copied
     * @throws SysException with {@code ENOENT} when there are fewer filters
     */
    public static int seccompFilter(int tid, int index, MemorySegment filter) {
        return (int) request(
                SECCOMP_GET_FILTER,
                tid,
                index,
                filter,
                "ptrace(PTRACE_SECCOMP_GET_FILTER)",
                "reading the seccomp filter of thread ");
    }

    private static long request(int request, int tid, long address, MemorySegment data, String call, String doing) {
        long result = Syscall.PTRACE.raw(request, tid, address, data.address(), 0, 0);
        if (result < 0) {
            throw new SysException(call, (int) -result, doing + tid);
        }
        return result;
    }
}

package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * The system calls that graft makes for itself, by one handle of {@code syscall(2)}: linking is the start-up cost of a
 * binding, and all of these share it. Numbers are those of the machine this runs on.
 */
enum Syscall {
    READ(0, 63),
    WRITE(1, 64),
    CLOSE(3, 57),
    MMAP(9, 222),
    MPROTECT(10, 226),
    MUNMAP(11, 215),
    IOCTL(16, 29),
    PREAD64(17, 67),
    PWRITE64(18, 68),
    MADVISE(28, 233),
    NANOSLEEP(35, 101),
    SOCKET(41, 198),
    CONNECT(42, 203),
    SENDMSG(46, 211),
    RECVMSG(47, 212),
    SHUTDOWN(48, 210),
    BIND(49, 200),
    LISTEN(50, 201),
    SOCKETPAIR(53, 199),
    GETSOCKOPT(55, 209),
    WAIT4(61, 260),
    FCNTL(72, 25),
    FLOCK(73, 32),
    FTRUNCATE(77, 46),
    PTRACE(101, 117),
    FSTATFS(138, 44),
    SCHED_SETSCHEDULER(144, 119),
    SCHED_GETSCHEDULER(145, 120),
    MOUNT(165, 40),
    GETTID(186, 178),
    FUTEX(202, 98),
    SCHED_SETAFFINITY(203, 122),
    SCHED_GETAFFINITY(204, 123),
    CLOCK_GETTIME(228, 113),
    EPOLL_CTL(233, 21),
    WAITID(247, 95),
    OPENAT(257, 56),
    PPOLL(271, 73),
    SET_ROBUST_LIST(273, 99),
    EPOLL_PWAIT(281, 22),
    ACCEPT4(288, 242),
    EVENTFD2(290, 19),
    EPOLL_CREATE1(291, 20),
    PERF_EVENT_OPEN(298, 241),
    FANOTIFY_INIT(300, 262),
    FANOTIFY_MARK(301, 263),
    PROCESS_VM_READV(310, 270),
    PROCESS_VM_WRITEV(311, 271),
    KCMP(312, 272),
    MEMFD_CREATE(319, 279),
    BPF(321, 280),
    PIDFD_OPEN(434, 434),
    PIDFD_GETFD(438, 438);

    private static final MethodHandle SYSCALL = NativeCalls.linkVariadic(
            "syscall",
            FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            1);

    private final long number;

    Syscall(int x86_64, int aarch64) {
        this.number = Machine.IS_AARCH64 ? aarch64 : x86_64;
    }

    /** The result, or the negated errno. Nothing is allocated. */
    long raw(long a, long b, long c, long d, long e, long f) {
        MemorySegment capture = NativeCalls.capture();
        long result;
        try {
            result = (long) SYSCALL.invokeExact(capture, number, a, b, c, d, e, f);
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
        return result == -1 ? -NativeCalls.errno(capture) : result;
    }

    /** The result; a failure becomes a {@link SysException} that says {@code doing}. */
    long call(String doing, long... arguments) {
        long[] all = arguments.length == 6 ? arguments : java.util.Arrays.copyOf(arguments, 6);
        return checked(raw(all[0], all[1], all[2], all[3], all[4], all[5]), doing);
    }

    /** Turns a {@link #raw} result into a value or an exception. */
    long checked(long result, String doing) {
        if (result < 0 && result >= -4095) {
            throw new SysException(callName(), (int) -result, doing);
        }
        return result;
    }

    String callName() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static final class Machine {
        static final boolean IS_AARCH64 = "aarch64".equals(System.getProperty("os.arch"));
    }
}

package graft.attach;

import java.util.Locale;

/** The system calls that code inside a target may make for a program. */
public enum AgentSyscall {
    RT_SIGPROCMASK(14),
    SCHED_YIELD(24),
    MADVISE(28),
    GETPID(39),
    GETUID(102),
    GETGID(104),
    GETPPID(110),
    RT_SIGQUEUEINFO(129),
    PRCTL(157),
    GETTID(186),
    FUTEX(202),
    TIMER_CREATE(222),
    TIMER_SETTIME(223),
    TIMER_DELETE(226),
    CLOCK_GETTIME(228),
    CLOCK_NANOSLEEP(230),
    RT_TGSIGQUEUEINFO(297),
    GETCPU(309),
    PROCESS_VM_READV(310),
    PROCESS_VM_WRITEV(311);

    private final int number;

    AgentSyscall(int number) {
        this.number = number;
    }

    /** Its number on x86-64. */
    public int number() {
        return number;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

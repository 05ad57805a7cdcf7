package graft.platform.linux;

/** {@code sys/pidfd.h}: descriptors of processes. By number, because older C libraries lack the wrappers. */
public final class Pidfd {
    /** The descriptor is of one thread (Linux 6.9 and newer). */
    public static final int THREAD = 0x80;

    private Pidfd() {}

    /** {@code pidfd_open(2)}. */
    public static NativeFd open(int pid, int flags) {
        long fd = Syscall.PIDFD_OPEN.call("opening process " + pid, pid, flags);
        return new NativeFd((int) fd, "pidfd of process " + pid);
    }

    /** {@code pidfd_getfd(2)}: a duplicate of descriptor {@code number} of the process. */
    public static NativeFd getfd(NativeFd pidfd, int number) {
        String what = "descriptor " + number + " of the " + pidfd;
        return new NativeFd((int) Syscall.PIDFD_GETFD.call("taking " + what, pidfd.number(), number), what);
    }
}

package graft.platform.linux;

/** {@code kcmp(2)}: whether two processes share something in the kernel. */
public final class Kcmp {
    private static final long KCMP_VM = 1;

    private Kcmp() {}

    /**
     * Whether both run in one address space, or may do so for all that a kernel without this call says. False when one of
     * them has ended or is not ours to look at.
     */
    public static boolean mayShareMemory(int pid, int other) {
        long order = Syscall.KCMP.raw(pid, other, KCMP_VM, 0, 0, 0);
        return order == 0 || order == -Errno.ENOSYS;
    }
}

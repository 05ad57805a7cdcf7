package graft.platform.linux;

/** {@code kcmp(2)}: whether two processes share something in the kernel. */
public final class Kcmp {
    private static final long KCMP_VM = 1;

    private Kcmp() {}

    /** Whether both run in one address space. False when one of them has ended, or the kernel does not say. */
    public static boolean shareMemory(int pid, int other) {
        return Syscall.KCMP.raw(pid, other, KCMP_VM, 0, 0, 0) == 0;
    }
}

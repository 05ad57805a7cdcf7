package graft.ebpf.object;

/** What a program's section name says it is. Decides its context and where it can run. */
public enum ProgType {
    /** Function entry or any offset in user space; context {@code struct pt_regs}. */
    UPROBE,
    /** Function return in user space; context {@code struct pt_regs}. */
    URETPROBE,
    /** Entry and return of a function in user space, one program for both; context {@code struct pt_regs}. */
    UPROBE_SESSION,
    /** A static probe that a program's author put there; context {@code struct pt_regs}. */
    USDT,
    /** {@code tracepoint/syscalls/sys_enter_*}, {@code tracepoint/raw_syscalls/sys_enter}; context is the tracepoint record. */
    SYSCALL_ENTER,
    /** {@code tracepoint/syscalls/sys_exit_*}, {@code tracepoint/raw_syscalls/sys_exit}; context is the tracepoint record. */
    SYSCALL_EXIT,
    /** {@code raw_tp/sys_enter}; context is the address of {@code struct pt_regs} and the number. */
    RAW_SYSCALL_ENTER,
    /** {@code raw_tp/sys_exit}; context is the address of {@code struct pt_regs} and the result. */
    RAW_SYSCALL_EXIT,
    /** {@code ksyscall/*}; context is the {@code struct pt_regs} of the kernel's function, whose argument is another. */
    KSYSCALL,
    /** {@code kretsyscall/*}; context is {@code struct pt_regs} with the result. */
    KRETSYSCALL,
    /** Any other tracepoint: the kernel's business. */
    KERNEL_TRACEPOINT,
    /** Loads and verifies, but has no attachment that graft knows. */
    OTHER
}

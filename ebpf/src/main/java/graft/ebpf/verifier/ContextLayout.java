package graft.ebpf.verifier;

import graft.ebpf.object.ProgType;
import java.util.Optional;

/**
 * What a program may read through the pointer it gets in r1: bytes {@code firstReadable} up to {@code size}, in naturally
 * aligned pieces of 1, 2, 4 or 8 bytes. Nothing can be written.
 *
 * @param name the C type, for messages
 */
public record ContextLayout(String name, int firstReadable, int size) {
    /** {@code struct pt_regs} of x86-64. */
    public static final ContextLayout PT_REGS = new ContextLayout("struct pt_regs", 0, 168);

    /** Record of {@code sys_enter_*}: eight common bytes, the number at 8, six arguments from 16. */
    public static final ContextLayout SYSCALL_ENTER = new ContextLayout("struct trace_event_raw_sys_enter", 8, 64);

    /** Record of {@code sys_exit_*}: eight common bytes, the number at 8, the result at 16. */
    public static final ContextLayout SYSCALL_EXIT = new ContextLayout("struct trace_event_raw_sys_exit", 8, 24);

    /** Arguments of a raw tracepoint of all system calls: an address and a number. */
    public static final ContextLayout RAW_SYSCALL = new ContextLayout("struct bpf_raw_tracepoint_args", 0, 16);

    /** The layout for a program type, or nothing when programs of this type do not run in user space. */
    public static Optional<ContextLayout> of(ProgType type) {
        return switch (type) {
            case UPROBE, URETPROBE, USDT, KSYSCALL, KRETSYSCALL -> Optional.of(PT_REGS);
            case SYSCALL_ENTER -> Optional.of(SYSCALL_ENTER);
            case SYSCALL_EXIT -> Optional.of(SYSCALL_EXIT);
            case RAW_SYSCALL_ENTER, RAW_SYSCALL_EXIT -> Optional.of(RAW_SYSCALL);
            case UPROBE_SESSION, KERNEL_TRACEPOINT, OTHER -> Optional.empty();
        };
    }

    /** Whether {@code bytes} bytes at {@code offset} may be read in one access. */
    public boolean readable(long offset, int bytes) {
        return offset >= firstReadable && offset + bytes <= size && offset % bytes == 0;
    }
}

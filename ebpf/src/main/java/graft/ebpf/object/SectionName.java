package graft.ebpf.object;

import java.util.Optional;

/** What a program section's name means. */
public record SectionName(ProgType type, Optional<String> target) {
    /** Reads a section name. */
    public static SectionName of(String section) {
        String name = section.startsWith("?") ? section.substring(1) : section;
        int slash = name.indexOf('/');
        String kind = slash < 0 ? name : name.substring(0, slash);
        Optional<String> target = slash < 0 ? Optional.empty() : Optional.of(name.substring(slash + 1));
        return new SectionName(type(kind, target.orElse("")), target);
    }

    private static ProgType type(String kind, String target) {
        return switch (kind) {
            case "uprobe", "uprobe.s", "uprobe.multi", "uprobe.multi.s" -> ProgType.UPROBE;
            case "uretprobe", "uretprobe.s", "uretprobe.multi", "uretprobe.multi.s" -> ProgType.URETPROBE;
            case "uprobe.session", "uprobe.session.s" -> ProgType.UPROBE_SESSION;
            case "usdt", "usdt.s" -> ProgType.USDT;
            case "tracepoint", "tp" -> tracepoint(target);
            case "raw_tracepoint", "raw_tp" -> rawTracepoint(target);
            case "ksyscall" -> ProgType.KSYSCALL;
            case "kretsyscall" -> ProgType.KRETSYSCALL;
            default -> ProgType.OTHER;
        };
    }

    private static ProgType tracepoint(String target) {
        if (target.startsWith("syscalls/sys_enter_") || target.equals("raw_syscalls/sys_enter")) {
            return ProgType.SYSCALL_ENTER;
        }
        if (target.startsWith("syscalls/sys_exit_") || target.equals("raw_syscalls/sys_exit")) {
            return ProgType.SYSCALL_EXIT;
        }
        return ProgType.KERNEL_TRACEPOINT;
    }

    private static ProgType rawTracepoint(String target) {
        return switch (target) {
            case "sys_enter" -> ProgType.RAW_SYSCALL_ENTER;
            case "sys_exit" -> ProgType.RAW_SYSCALL_EXIT;
            default -> ProgType.OTHER;
        };
    }
}

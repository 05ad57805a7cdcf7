package graft.cli.bench;

/**
 * One measured row.
 *
 * @param suite the command's suite: {@code uprobe}
 * @param row what was done: {@code entry-empty}
 * @param who whose way of doing it
 * @param unit unit of the samples: {@code ns}, {@code req/s}, {@code us}
 * @param samples the measurements
 * @param added median less the interleaved median of the unprobed baseline, in {@code unit}
 */
public record BenchRow(String suite, String row, Who who, String unit, Samples samples, double added) {

    /** Whose row it is. */
    public enum Who {
        /** Nothing attached. */
        NATIVE,
        /** The kernel's own probes, with the same object. */
        KERNEL,
        /** This project. */
        GRAFT,
        /** The tool, by ptrace. */
        STRACE,
        /** A supervisor that seccomp asks ({@code SECCOMP_RET_USER_NOTIF}). */
        SECCOMP,
        /** Calls that may become signals ({@code PR_SET_SYSCALL_USER_DISPATCH}). */
        DISPATCH,
        /** Hand-written code: what a probe costs at the least. */
        FLOOR;

        /** As printed. */
        public String word() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }
}

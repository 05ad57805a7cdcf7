package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import java.util.List;
import java.util.Set;

/**
 * Everything that one attach puts into one process: a value, complete before the process is touched.
 *
 * @param pid the process
 * @param pools code pools with their runtime regions
 * @param regions shared memory of maps
 * @param plan the text to patch and the code the pools hold
 * @param syscalls what the code may ask of the kernel later; a thread with a seccomp filter must be allowed to
 * @param semaphores 16-bit counters that are one higher while the injection is in place
 */
public record Injection(
        int pid,
        List<Pool> pools,
        List<Region> regions,
        PatchPlan plan,
        Set<AgentSyscall> syscalls,
        List<RemoteAddress> semaphores) {
    public Injection {
        pools = List.copyOf(pools);
        regions = List.copyOf(regions);
        syscalls = Set.copyOf(syscalls);
        semaphores = List.copyOf(semaphores);
    }

    /** Code that makes no system call. */
    public Injection(int pid, List<Pool> pools, List<Region> regions, PatchPlan plan) {
        this(pid, pools, regions, plan, Set.of(), List.of());
    }

    /**
     * A code pool at {@code address} and its runtime region directly below (see {@code pool.layout}).
     *
     * @param runtime initial content of the runtime region from {@code CONFIG_OFFSET} on; the state page before it is
     *     written last, when everything else is in place
     */
    public record Pool(RemoteAddress address, long size, Code runtime) {}

    /**
     * Shared memory to be mapped at {@code address}. Several regions may show parts of one file, or one part twice: a
     * ring buffer is three or more of them.
     *
     * @param fd a descriptor of this process, of a memfd or of a kernel map that can be mapped; borrowed until attach
     *     returns
     * @param fileOffset where the region begins in the file, a multiple of the page size
     */
    public record Region(
            int fd, long fileOffset, RemoteAddress address, long size, Protection protection, String name) {
        public Region {
            if (fileOffset < 0 || fileOffset % 4096 != 0) {
                throw new IllegalArgumentException("region " + name + " begins at " + fileOffset + " of its file");
            }
        }
    }

    /** What the target may do with a region. */
    public enum Protection {
        READ_ONLY,
        READ_WRITE,
        /** Read and write, and what it writes is its own: a forked process has it as it was, as any other memory. */
        PRIVATE
    }
}

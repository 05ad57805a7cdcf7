package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan;
import java.util.List;

/**
 * Everything that one attach puts into one process: a value, complete before the process is touched.
 *
 * @param pid the process
 * @param pools code pools with their runtime regions
 * @param regions shared memory of maps
 * @param plan the text to patch and the code the pools hold
 */
public record Injection(int pid, List<Pool> pools, List<Region> regions, PatchPlan plan) {
    public Injection {
        pools = List.copyOf(pools);
        regions = List.copyOf(regions);
    }

    /**
     * A code pool at {@code address} and its runtime region directly below (see {@code pool.layout}).
     *
     * @param runtime initial content of the runtime region from {@code CONFIG_OFFSET} on; the state page before it is
     *     written last, when everything else is in place
     */
    public record Pool(RemoteAddress address, long size, Code runtime) {}

    /**
     * Shared memory to be mapped at {@code address}.
     *
     * @param fd a descriptor of this process; borrowed until attach returns
     */
    public record Region(int fd, RemoteAddress address, long size, Protection protection, String name) {}

    /** What the target may do with a region. */
    public enum Protection {
        READ_ONLY,
        READ_WRITE
    }
}

package graft.bridge;

import graft.platform.address.FileOffset;
import graft.platform.linux.PerfEvent;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a kernel uprobe goes.
 *
 * @param edge entry of the instruction, or return from the function that begins there
 * @param file as this process can open it; for a process in another root, a path below {@code /proc/PID/root}. The
 *     kernel probes this very file: when another has taken its name since the process mapped it, nothing is hit, and
 *     {@code /proc/PID/map_files/…} leads to the right one.
 * @param offset of the instruction in the file
 * @param pid the process that the probe is limited to, with all its threads
 * @param counter of those who look at the place, in the file: the kernel counts it up while the probe is there
 */
public record UprobePoint(PerfEvent.Edge edge, Path file, FileOffset offset, int pid, Optional<FileOffset> counter) {
    /** A place without a counter. */
    public UprobePoint(PerfEvent.Edge edge, Path file, FileOffset offset, int pid) {
        this(edge, file, offset, pid, Optional.empty());
    }
}

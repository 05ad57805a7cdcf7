package graft.attach;

import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.platform.proc.MemoryLimits;
import graft.platform.proc.MemoryMapping;
import java.util.List;
import java.util.Optional;

/** Whether a process may map what an attach needs: looked at before anything is asked of it. */
final class MemoryCheck {
    /** The handover maps a page while it runs, and a mapping may split another. */
    private static final int SPARE_MAPPINGS = 4;

    private static final long PAGE = 4096;

    private final int pid;
    private final List<MemoryMapping> present;
    private final List<Range> wanted;

    MemoryCheck(int pid, ProcMaps maps, List<Range> wanted) {
        this.pid = pid;
        this.wanted = wanted;
        // The page of vsyscalls is not memory of the process.
        this.present = maps.mappings().stream()
                .filter(mapping -> mapping.start().value() > 0)
                .toList();
    }

    Optional<Refusal> check() {
        MemoryLimits limits = MemoryLimits.of(pid);
        long size = present.stream().mapToLong(MemoryMapping::size).sum();
        long more = wanted.stream().mapToLong(Range::size).sum() + PAGE;
        if (more > limits.addressSpace() - size) {
            return refusal(
                    "%,d bytes of address space; it has %,d and may have %,d (RLIMIT_AS)"
                            .formatted(more, size, limits.addressSpace()),
                    "prlimit --pid " + pid + " --as=" + (size + more));
        }
        long data = present.stream()
                .filter(MemoryCheck::isData)
                .mapToLong(MemoryMapping::size)
                .sum();
        long moreData = PAGE
                + wanted.stream()
                        .filter(range -> range.kind() == Kind.RUNTIME)
                        .mapToLong(Range::size)
                        .sum();
        if (moreData > limits.data() - data) {
            return refusal(
                    "%,d bytes of data; it has %,d and may have %,d (RLIMIT_DATA)"
                            .formatted(moreData, data, limits.data()),
                    "prlimit --pid " + pid + " --data=" + (data + moreData));
        }
        if (wanted.size() + SPARE_MAPPINGS > limits.mappings() - present.size()) {
            return refusal(
                    wanted.size() + " mappings; it has " + present.size() + " and may have " + limits.mappings(),
                    "sysctl vm.max_map_count=" + (limits.mappings() + 1024));
        }
        return Optional.empty();
    }

    private static boolean isData(MemoryMapping mapping) {
        boolean shared = mapping.permissions().charAt(3) == 's';
        return mapping.isWritable()
                && !shared
                && mapping.path().filter("[stack]"::equals).isEmpty();
    }

    private Optional<Refusal> refusal(String what, String suggestion) {
        return Optional.of(
                new Refusal(Refusal.Kind.MEMORY_LIMIT, "process " + pid + " would need another " + what, suggestion));
    }
}

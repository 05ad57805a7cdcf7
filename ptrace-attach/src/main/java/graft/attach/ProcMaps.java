package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.NoSuchProcessException;
import graft.platform.proc.ProcessMaps;
import java.util.List;
import java.util.Optional;

/** The mappings of a live process, ascending. */
record ProcMaps(ProcessMaps all) {
    private static final long LOWEST = 0x10000000L;

    /** @throws TraceeGoneException when there are none any more */
    static ProcMaps read(int pid) {
        try {
            ProcessMaps maps = ProcessMaps.of(pid);
            if (!maps.mappings().isEmpty()) {
                return new ProcMaps(maps);
            }
        } catch (NoSuchProcessException gone) {
            // As for a process that has ended and was not waited for: it has no memory any more.
        }
        throw new TraceeGoneException(pid, "reading its mappings");
    }

    List<MemoryMapping> mappings() {
        return all.mappings();
    }

    Optional<MemoryMapping> at(RemoteAddress address) {
        return all.containing(address);
    }

    /** The first mapping that overlaps the range. */
    Optional<MemoryMapping> overlapping(RemoteAddress address, long size) {
        return mappings().stream()
                .filter(m -> m.start().compareTo(address.plus(size)) < 0 && address.compareTo(m.end()) < 0)
                .findFirst();
    }

    /** A page that is free now and stays so: the middle of the largest gap, as stacks and heaps grow at the ends of gaps. */
    RemoteAddress freePage() {
        long page = LOWEST;
        long largest = 0;
        for (int i = 1; i < mappings().size(); i++) {
            long low = Math.max(LOWEST, mappings().get(i - 1).end().value());
            long high = mappings().get(i).start().value();
            // The page of vsyscalls is in the other half of the address space.
            if (high - low > largest && high > 0) {
                largest = high - low;
                page = low + largest / 2 & -4096L;
            }
        }
        return new RemoteAddress(page);
    }
}
